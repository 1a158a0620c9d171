"""The autopilot on real parts: from traffic that nobody has looked at to a student that answers, without a person."""

from __future__ import annotations

import pytest

from curation import tasks as curation_tasks
from curation.models import Application, Job, Review
from curation.models.jobs import JobKind, JobState, Trigger
from tests.training.services.conftest import unseen
from training import tasks
from training.autopilot import autopilot_tick
from training.models import AutopilotAction, Dataset, DistillationRun, Promotion
from training.selectors.aliases import champion_of
from training.services.autopilot import autopilot_change
from training.services.autopilot_plan import plan

TINY = {"layers": 1, "epochs": 12}
TASKS = {
    JobKind.CLUSTER: curation_tasks.cluster,
    JobKind.BUILD: tasks.build,
    JobKind.DISTIL: tasks.distil,
    JobKind.EVALUATE: tasks.evaluate,
}


@pytest.fixture
def fresh(application: Application) -> Application:
    unseen(application)
    changes = {"enabled": True, "cluster_after": 50}
    autopilot_change(application=application, changes=changes, user=None)
    return application


def work_off(application: Application) -> list[str]:
    """What the workers would do: run each waiting job, the distillation with as small a student as can be."""
    waiting = list(application.jobs.filter(state=JobState.QUEUED).order_by("id"))
    for job in waiting:
        DistillationRun.objects.filter(job=job).update(config={"seed": 0, **TINY})
        TASKS[JobKind(job.kind)](job.pk)
    return [job.kind for job in waiting]


def test_from_traffic_to_a_champion_without_a_person(fresh: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.services.checks.LEAST_INLINE_EXAMPLES", 1)
    courses = []
    for _ in range(8):
        done = autopilot_tick(application=fresh)
        courses.append(([action.step for action in done], work_off(fresh)))
    assert courses[0] == (["cluster"], ["cluster"])
    assert courses[1] == (["approve_clusters", "build"], ["build"])
    assert courses[2] == (["approve_dataset", "distil"], ["distil"])
    assert courses[3] == (["promote"], [])
    assert courses[4:] == [([], [])] * 4, "nothing is left to do"
    assert {job.state for job in Job.objects.all()} == {"done"}
    assert {job.trigger for job in Job.objects.all()} == {Trigger.AUTOPILOT}
    _decided_by_the_policy(fresh)


def _decided_by_the_policy(application: Application) -> None:
    assert set(Review.objects.values_list("reviewer", flat=True)) == {None}
    assert [entry["by"] for entry in Dataset.objects.get().history] == [""]
    promotion = Promotion.objects.get()
    assert (promotion.promoted_by, promotion.student) == (None, champion_of(application))
    log = AutopilotAction.objects.filter(asks=False).exclude(step="")
    assert all(action.user is None and action.sentence for action in log)
    assert {action.step for action in log if action.job} == {"cluster", "build", "distil"}


def test_a_dry_run_changes_nothing(fresh: Application) -> None:
    plan(fresh)
    before = (Job.objects.count(), AutopilotAction.objects.count(), Review.objects.count())
    assert [one.step for one in plan(fresh) if one.due] == ["cluster"]
    assert (Job.objects.count(), AutopilotAction.objects.count(), Review.objects.count()) == before


def test_switched_off_it_does_nothing(fresh: Application) -> None:
    autopilot_change(application=fresh, changes={"enabled": False}, user=None)
    assert autopilot_tick(application=fresh) == []
    assert not Job.objects.exists()
