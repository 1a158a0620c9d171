"""All addresses: the pages of both apps, signing in and out, the admin console."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from curation.views import accounts

urlpatterns = [
    path("sign-in/", accounts.SignIn.as_view(), name="login"),
    path("sign-out/", LogoutView.as_view(next_page="login"), name="logout"),
    path("account/password/", accounts.ChangePassword.as_view(), name="password_change"),
    path("account/password/<slug:uidb64>/<str:token>/", accounts.SetPassword.as_view(), name="password_set"),
    path("admin/login/", accounts.admin_sign_in, name="admin_sign_in"),
    path("admin/", admin.site.urls),
    path("", include("curation.urls")),
    path("", include("training.urls")),
]

handler403 = "curation.views.errors.not_allowed"
handler404 = "curation.views.errors.not_found"
