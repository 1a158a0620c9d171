"""Signing in, and choosing a password."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView, PasswordChangeView, PasswordResetConfirmView
from django.contrib.messages.views import SuccessMessageMixin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from curation.forms.people import SignInForm


class SignIn(LoginView):
    form_class = SignInForm
    redirect_authenticated_user = True


@method_decorator([never_cache, login_required], name="dispatch")
class ChangePassword(SuccessMessageMixin, PasswordChangeView):
    """A user's own password."""

    template_name = "registration/password_change.html"
    success_url = reverse_lazy("home")
    success_message = "Your password is changed; other browsers are signed out."


class SetPassword(SuccessMessageMixin, PasswordResetConfirmView):
    """Choosing a password by the link that an administrator gave."""

    template_name = "registration/password_set.html"
    success_url = reverse_lazy("login")
    success_message = "Your password is set. Sign in with it."


@require_safe
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """In the place of the console's own sign-in, so that there is one door only.

    Raises:
        PermissionDenied: the user is signed in, and may not see the console.
    """
    if request.user.is_authenticated:
        raise PermissionDenied("The admin console is for administrators.")
    return redirect(f"{reverse_lazy('login')}?{request.GET.urlencode()}")
