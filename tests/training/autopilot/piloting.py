"""An application with the autopilot on: what it does, what it asks, and rows as the loop leaves them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from curation.models import Application, Cluster
from tests.curation.traffic import EVIDENCE, make_cluster, make_clustering
from tests.training.inline import answer_inline, play
from tests.training.learned import make_evaluation, make_student
from tests.training.live import arrive
from training.autopilot import autopilot_tick
from training.models import AutopilotAction, Dataset, Student
from training.models.autopilot import AutopilotStep as Step
from training.selectors.autopilot import Proposal
from training.services.autopilot import autopilot_change
from training.services.autopilot_plan import plan
from training.services.challengers import canary_set
from training.services.policies import policy_of

PURE: dict[str, Any] = {**EVIDENCE, "purity": {"lower": 0.9}}
TEXTS = [f"play artist {number}" for number in range(30)]
LIVE = [f"play live {number}" for number in range(60)]


def allow(application: Application, epsilon: float) -> None:
    """So much disagreement that few examples can prove it is kept."""
    policy = policy_of(application)
    policy.epsilon = epsilon
    policy.save()


def setting(application: Application, **changes: Any) -> None:
    autopilot_change(application=application, changes=changes, user=None)


def step(application: Application, wanted: Step) -> Proposal:
    """The step as the plan sees it now; the first where there are several."""
    return next(one for one in plan(application) if one.step == wanted)


def done(application: Application) -> list[str]:
    return [action.step for action in autopilot_tick(application=application) if not action.asks]


def asked(application: Application) -> list[AutopilotAction]:
    autopilot_tick(application=application)
    return list(AutopilotAction.objects.filter(application=application, asks=True))


def evaluated(dataset: Dataset) -> Student:
    student = make_student(dataset)
    make_evaluation(student)
    return student


def simple_cluster(application: Application, name: str = "play {artist}", **values: Any) -> Cluster:
    clustering = application.clusterings.first() or make_clustering(application)
    cluster = make_cluster(clustering, name, **values)
    Cluster.objects.filter(pk=cluster.pk).update(evidence=PURE, queries=50)
    return cluster


def covers(student: Student, coverage: float) -> None:
    evaluation = student.evaluations.get()
    evaluation.figures["coverage"] = coverage
    evaluation.save()


def live_traffic(champion: Student) -> None:
    """Since the dataset was built that the students learned from, and too little to be clustered."""
    setting(champion.application, cluster_after=1000)
    Dataset.objects.update(created_at=timezone.now() - timedelta(days=1))
    arrive(champion, LIVE)


def on_all_users(application: Application, challenger: Student) -> None:
    """The challenger at the last step of its trial, with as many answers as it needs there."""
    canary_set(application=application, share=1.0, shadow=False)
    for _ in range(3):
        answer_inline(challenger, "play Can", play("Can"), ago=timedelta(0))
