"""The autopilot of an application: what it would do now and why, its settings, and its log."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from curation.models import Application
from curation.views.access import requires, with_application
from curation.views.sections import render_section
from training.forms.autopilot import AutopilotForm
from training.models import Autopilot
from training.models.autopilot import AutopilotStep as Step
from training.selectors.autopilot import Proposal, actions_page, autopilot_of, last_switched
from training.services.autopilot import autopilot_change
from training.services.autopilot_plan import plan
from training.views.addresses import number

QUESTIONS = {
    Step.LABEL: "Have the teacher asked",
    Step.APPROVE_CLUSTERS: "Decide on a cluster",
    Step.EVALUATE: "Evaluate a student",
    Step.CANARY: "Decide on a new student",
    Step.WIDEN: "Decide on the trial",
    Step.PROMOTE: "Decide on the champion",
}
"""What a person is asked to do, where the name of the step does not say it."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step of the plan with its badge, and the page where a person decides; empty where there is none."""

    proposal: Proposal
    badge: str
    tone: str
    href: str


@require_GET
@requires("read")
@with_application
def autopilot(request: HttpRequest, application: Application) -> HttpResponse:
    settings = autopilot_of(application)
    return _page(request, application, settings, AutopilotForm(instance=settings))


@require_POST
@requires("administer")
@with_application
def change(request: HttpRequest, application: Application) -> HttpResponse:
    settings = autopilot_of(application)
    form = AutopilotForm(request.POST, instance=autopilot_of(application))
    if not form.is_valid():
        return _page(request, application, settings, form)
    changed = autopilot_change(application=application, changes=form.changes(), user=request.user)  # type: ignore[arg-type]
    messages.success(request, changed.sentence if changed else "Nothing was changed.")
    return redirect("autopilot")


def question_of(proposal: Proposal) -> str:
    """What a person is asked to do, in a few words."""
    return QUESTIONS.get(proposal.step, str(proposal.step.label))


def address_of(proposal: Proposal) -> str:
    """The page where a person decides about it; empty where there is none."""
    if not proposal.page:
        return ""
    return reverse(proposal.page, args=[proposal.key] if proposal.key else [])


def _page(request: HttpRequest, application: Application, settings: Autopilot, form: AutopilotForm) -> HttpResponse:
    before = number(request, "before")
    page = actions_page(application, before)
    return render_section(
        request,
        "autopilot",
        "training/autopilot.html",
        autopilot=settings,
        switched=last_switched(application) if settings.enabled else None,
        steps=[_planned(one) for one in plan(application)],
        form=form,
        actions=page.rows,
        older=f"{reverse('autopilot')}?before={page.before}#log" if page.before else "",
        newer=f"{reverse('autopilot')}#log" if before else "",
    )


def _planned(one: Proposal) -> PlannedStep:
    badge, tone = "Nothing to do", "plain"
    if one.needs_person:
        badge, tone = "Asks", "warn"
    elif one.due:
        badge, tone = "Next", "live"
    elif one.waiting:
        badge = "Waits"
    return PlannedStep(one, badge, tone, address_of(one))
