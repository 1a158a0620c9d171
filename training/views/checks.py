"""Where the evidence of a promotion's checks stands."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse

from training.models import Evaluation, Student
from training.services.checks import Check


@dataclass(frozen=True, slots=True)
class CheckWithEvidence:
    """A check, and the address of what it rests on; empty where there is nothing to look at."""

    check: Check
    href: str
    evidence: str


def with_evidence(checks: list[Check], student: Student, evaluation: Evaluation | None) -> list[CheckWithEvidence]:
    return [CheckWithEvidence(check, *_evidence(check.name, student, evaluation)) for check in checks]


def _evidence(name: str, student: Student, evaluation: Evaluation | None) -> tuple[str, str]:
    """The address, and what stands there."""
    if name == "audits":
        return reverse("student", args=[student.pk]) + "#audits", "audits"
    if name == "certified threshold":
        return f"{reverse('dataset', args=[student.dataset_id])}?split=calibration#examples", "calibration examples"
    if name == "tool set":
        return reverse("dataset", args=[student.dataset_id]), "dataset"
    if evaluation is None:
        return "", ""
    page = reverse("evaluation", args=[evaluation.pk])
    anchors = {"disagreement": "#disagreements", "no function got worse": "#functions", "latency": "#latency-title"}
    return page + anchors.get(name, ""), "evaluation"
