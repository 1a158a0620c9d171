"""The autopilot's settings and its log. What it would do is in `autopilot_plan`, doing it in `training.autopilot`."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from curation.models import Application, Job
from training.models import Autopilot, AutopilotAction
from training.models.autopilot import AutopilotStep
from training.selectors.autopilot import SWITCHED, Proposal


@transaction.atomic
def autopilot_change(*, application: Application, changes: dict[str, Any], user: User | None) -> AutopilotAction | None:
    """Set what differs, with a line in the log that says what it was and what it is; None where nothing differs."""
    Autopilot.objects.get_or_create(application=application)
    autopilot = Autopilot.objects.select_for_update().get(application=application)
    differing = {name: value for name, value in changes.items() if getattr(autopilot, name) != value}
    differing = {"enabled": changes["enabled"], **differing} if "enabled" in differing else differing
    if not differing:
        return None
    sentence = " ".join(_said(autopilot, name, value) for name, value in differing.items())
    for name, value in differing.items():
        setattr(autopilot, name, value)
    autopilot.save(update_fields=list(differing))
    return AutopilotAction.objects.create(application=application, sentence=sentence, user=user)


def action_record(*, application: Application, proposal: Proposal, job: Job | None = None) -> AutopilotAction:
    """Write down what it did, or asks."""
    return AutopilotAction.objects.create(
        application=application,
        step=proposal.step,
        subject=proposal.subject,
        asks=proposal.asks,
        sentence=proposal.sentence,
        job=job,
    )


def _said(autopilot: Autopilot, name: str, value: Any) -> str:
    if name == "enabled":
        return f"{SWITCHED} {'on' if value else 'off'}."
    field = Autopilot._meta.get_field(name)
    label = "Left to people" if name == "left_to_people" else str(field.verbose_name).capitalize()  # type: ignore[union-attr]
    before = getattr(autopilot, name)
    return f"{label}: {_shown(value)}, before {_shown(before)}."


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(str(AutopilotStep(step).label).lower() for step in value) or "nothing"
    return str(value)
