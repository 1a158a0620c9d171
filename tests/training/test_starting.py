"""How work is started with its usual choices."""

from __future__ import annotations

import pytest

from curation.models import Application, Job
from curation.models.jobs import JobKind, JobState, Trigger
from tests.training.learned import make_dataset, make_run, make_student
from training import tasks
from training.models import Alias, DistillationRun
from training.models.datasets import DatasetStatus
from training.services.datasets import dataset_approve
from training.starting import job_again


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The keys of the jobs handed to the trainer."""
    keys: list[int] = []
    monkeypatch.setattr(tasks.distil, "delay_on_commit", keys.append)
    return keys


@pytest.mark.parametrize(("champion", "seed"), [(True, 1), (False, 2)])
def test_the_schedule_distils_with_the_settings_of_the_champion_or_of_the_newest_student(
    champion: bool, seed: int, application: Application, queued: list[int]
) -> None:
    learned = make_dataset(application, ["play Can"])
    older, newer = make_student(learned), make_student(learned)
    for number, student in enumerate((older, newer), start=1):
        DistillationRun.objects.filter(pk=student.run_id).update(config={"layers": 2, "seed": number})
    if champion:
        Alias.objects.create(application=application, name="champion", student=older)
    dataset = make_dataset(application, ["play Can", "play Blur"])
    make_dataset(application, ["play Moby"], DatasetStatus.DRAFT)
    tasks.distil_scheduled(application.pk)
    run = DistillationRun.objects.latest("pk")
    assert (run.dataset, run.config["layers"], run.config["seed"]) == (dataset, 2, seed)
    assert (run.job.trigger, queued) == (Trigger.SCHEDULE, [run.job_id])


def test_the_first_student_is_distilled_with_the_settings_that_are_usual(
    application: Application, queued: list[int]
) -> None:
    make_dataset(application, ["play Can"])
    tasks.distil_scheduled(application.pk)
    assert DistillationRun.objects.get().family == "encoder"


def test_a_dataset_that_was_learned_from_is_not_learned_from_again(application: Application, queued: list[int]) -> None:
    make_student(make_dataset(application, ["play Can"]))
    tasks.distil_scheduled(application.pk)
    make_run(make_dataset(application, ["play Blur"]), JobState.RUNNING)
    tasks.distil_scheduled(application.pk)
    assert (queued, Job.objects.filter(trigger=Trigger.SCHEDULE).exists()) == ([], False)


def test_a_dataset_whose_run_failed_is_tried_again(application: Application, queued: list[int]) -> None:
    failed = make_run(make_dataset(application, ["play Can"]), JobState.FAILED)
    tasks.distil_scheduled(application.pk)
    run = DistillationRun.objects.latest("pk")
    assert run != failed and (run.dataset, queued) == (failed.dataset, [run.job_id])


def test_without_an_approved_dataset_a_failed_job_says_so_and_is_started_again_later(
    application: Application, queued: list[int]
) -> None:
    draft = make_dataset(application, ["play Can"], DatasetStatus.DRAFT)
    tasks.distil_scheduled(application.pk)
    job = Job.objects.get()
    assert (job.kind, job.state) == (JobKind.DISTIL, JobState.FAILED)
    assert "No dataset is approved yet" in job.message
    dataset_approve(dataset=draft)
    job_again(job=job, trigger=Trigger.PAGE)
    assert (DistillationRun.objects.get().dataset, len(queued)) == (draft, 1)
