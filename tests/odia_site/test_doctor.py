from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from curation.models import Application, Job
from curation.services.applications import teacher_set
from odia_site.findings import Finding
from odia_site.health import examine
from odia_site.job_health import examine_beat, examine_jobs
from tests.training.learned import make_dataset, make_student
from training.models import SwitchOff
from training.models.promotions import AliasName
from training.services.aliases import alias_move


@pytest.fixture
def findings(application: Application) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine()}


def test_what_runs_is_told_as_such(findings: dict[str, Finding]) -> None:
    assert {name: findings[name].ok for name in ("database", "migrations", "broker", "spool", "jobs that run")} == {
        "database": True, "migrations": True, "broker": True, "spool": True, "jobs that run": True
    }  # fmt: skip


def test_what_is_missing_is_told_with_what_to_do(findings: dict[str, Finding]) -> None:
    assert "start ODIA with `make up`" in findings["worker for training"].sentence
    assert "start ODIA with `make up`" in findings["gateway"].sentence
    assert findings["music: teacher"] == Finding("music: teacher", False, "It has none; run `manage.py set_teacher`.")


def test_a_missing_key_and_a_failed_job_are_told(application: Application) -> None:
    teacher_set(application=application, base_url="http://127.0.0.1:9/v1", model="large", api_key_env="NO_SUCH_KEY")
    Job.objects.create(application=application, kind="cluster", trigger="page", state="failed")
    old = Job.objects.create(application=application, kind="build", trigger="page", state="failed")
    Job.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=3))
    findings = {finding.name: finding for finding in examine()}
    assert "NO_SUCH_KEY" in findings["music: teacher"].sentence
    assert "1 failed in the last day: music: cluster the traffic" in findings["jobs that failed"].sentence


def test_a_job_that_failed_and_then_succeeded_needs_nobody(application: Application) -> None:
    for state in ("failed", "done"):
        Job.objects.create(application=application, kind="cluster", trigger="page", state=state)
    assert examine_jobs(served=())[1].ok
    Job.objects.create(application=application, kind="cluster", trigger="page", state="failed")
    assert not examine_jobs(served=())[1].ok


def test_what_audits_switched_off_is_told(application: Application) -> None:
    student = make_student(make_dataset(application, ["play Can"]))
    alias_move(application=application, name=AliasName.CHAMPION, student=student)
    SwitchOff.objects.create(application=application, student=student, function="play_music", reason="It differed.")
    findings = {finding.name: finding for finding in examine()}
    assert not findings["music: audits"].ok and f"{student}: play_music" in findings["music: audits"].sentence


def test_the_command_fails_with_one_sentence_after_its_report(application: Application) -> None:
    out = StringIO()
    with pytest.raises(CommandError, match="of the parts need attention"):
        call_command("doctor", "--json", stdout=out)
    assert json.loads(out.getvalue().splitlines()[-1])["ok"] is False


def test_a_job_that_is_stuck_and_one_that_nobody_takes_are_told(application: Application) -> None:
    old = timezone.now() - timedelta(minutes=11)
    stuck = Job.objects.create(
        application=application, kind="cluster", trigger="page", state="running", heartbeat_at=old
    )
    waiting = Job.objects.create(application=application, kind="build", trigger="page", task="training.tasks.build")
    Job.objects.filter(pk=waiting.pk).update(created_at=old)
    findings = {finding.name: finding for finding in examine()}
    assert f"cluster the traffic #{stuck.pk}" in findings["jobs that run"].sentence
    assert f"build a dataset #{waiting.pk}" in findings["jobs that wait"].sentence
    assert not (findings["jobs that run"].ok or findings["jobs that wait"].ok)
    assert examine_jobs(served={"default"})[2].ok


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("training.tasks.build", "default"),
        ("curation.tasks.cluster", "default"),
        ("curation.tasks.label", "io"),
        ("training.tasks.distil", "training"),
    ],
)
def test_a_job_that_waits_for_long_needs_a_worker_of_its_own_queue(
    task: str, queue: str, application: Application
) -> None:
    job = Job.objects.create(application=application, kind="build", trigger="page", task=task)
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(minutes=11))
    waiting = examine_jobs(served={"default", "io", "training"} - {queue})[2]
    assert not waiting.ok and f"No worker for `{queue}` takes" in waiting.sentence
    behind = examine_jobs(served={queue})[2]
    assert behind.ok and f"behind others: music: build a dataset #{job.pk}" in behind.sentence


def test_a_beat_that_stopped_and_work_that_is_overdue_are_told(db: None) -> None:
    now = timezone.now()
    assert "has sent nothing yet" in examine_beat().sentence
    every = IntervalSchedule.objects.create(every=1, period="hours")
    late = PeriodicTask.objects.create(name="late", task="a", interval=every, last_run_at=now - timedelta(hours=2))
    assert "sent nothing since" in examine_beat().sentence
    PeriodicTask.objects.create(name="on time", task="b", interval=every, last_run_at=now)
    assert "Overdue: late." in examine_beat().sentence
    PeriodicTask.objects.filter(pk=late.pk).update(last_run_at=now)
    assert examine_beat().ok
