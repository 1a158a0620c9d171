"""The playground: an utterance and what becomes of it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from curation.models import Application
from curation.views.access import requires, with_application
from curation.views.answers import answer
from training.forms.playground import UtteranceForm
from training.models.promotions import AliasName
from training.selectors.aliases import aliases_of
from training.services.policies import policy_of
from training.views.trials import try_utterance


@require_http_methods(["GET", "POST"])
@requires("read")
@with_application
def playground(request: HttpRequest, application: Application) -> HttpResponse:
    """The form, and after it was sent, or for htmx alone, the course of the utterance."""
    form = UtteranceForm(request.POST if request.method == "POST" else None)
    trial = (
        try_utterance(application, form.cleaned_data["text"], form.cleaned_data["user"]) if form.is_valid() else None
    )
    aliases = aliases_of(application)
    context = {
        "form": form,
        "trial": trial,
        "champion": aliases.get(AliasName.CHAMPION),
        "challenger": aliases.get(AliasName.CHALLENGER),
        "policy": policy_of(application),
    }
    return answer(request, "training/playground.html", "trial", context)
