"""The page of the jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError

from curation import tasks
from curation.models import Application, Job
from curation.models.jobs import JobKind, JobState, Trigger
from curation.selectors.jobs import failed_since
from tests.curation.traffic import make_cluster, make_clustering
from tests.training.learned import make_dataset, make_evaluation, make_run, make_student
from tests.training.live import ALARMS, PLAYS, arrive, learned_yesterday
from training import starting
from training import tasks as training_tasks
from training.models import Alias, DistillationRun
from training.views import jobs as views

HTMX = {"HX-Request": "true"}


def make_job(application: Application, state: JobState, **values: Any) -> Job:
    return Job.objects.create(
        **{"application": application, "kind": JobKind.CLUSTER, "trigger": Trigger.PAGE, "state": state, **values}
    )


def page(client: Client, **wanted: Any) -> str:
    return client.get(reverse("jobs"), wanted).content.decode()


def test_the_list_asks_again_only_while_a_job_is_under_way(
    client_of: dict[str, Client], application: Application
) -> None:
    job = make_job(application, JobState.RUNNING)
    assert 'hx-trigger="every 2s"' in page(client_of["viewer"])
    Job.objects.filter(pk=job.pk).update(state=JobState.DONE)
    assert 'hx-trigger="every 2s"' not in page(client_of["viewer"])


def test_a_running_job_tells_how_far_it_is_and_how_long_it_takes(
    client_of: dict[str, Client], application: Application
) -> None:
    began = timezone.now() - timedelta(minutes=3)
    make_job(application, JobState.RUNNING, progress=0.25, phase="Embedding", started_at=began)
    Job.objects.update(heartbeat_at=(heard := timezone.now()))
    text = page(client_of["viewer"])
    assert f'last heard of <time class="nowrap" datetime="{heard:%Y-%m-%dT%H:%M:%S}' in text
    assert 'value="0.2500"' in text and "Embedding" in text
    assert "about 9.0" in text and "min left" in text


def test_a_failed_job_says_why(client_of: dict[str, Client], application: Application) -> None:
    make_job(application, JobState.FAILED, message="There is no traffic yet.")
    assert "There is no traffic yet." in page(client_of["viewer"])


def test_a_job_leads_to_what_it_made(client_of: dict[str, Client], application: Application) -> None:
    student = make_student(make_dataset(application, ["play Can"]))
    evaluation = make_evaluation(student)
    run = student.run
    Job.objects.filter(pk=run.job_id).update(result={"student": student.pk, "evaluation": evaluation.pk})
    make_job(application, JobState.DONE, result={"clustering": 1})
    make_job(application, JobState.DONE, kind=JobKind.BUILD, result={"dataset": student.dataset_id})
    text = page(client_of["viewer"])
    for name, key in (("run", run.pk), ("student", student.pk), ("evaluation", evaluation.pk)):
        assert f'href="{reverse(name, args=[key])}"' in text
    assert f'href="{reverse("dataset", args=[student.dataset_id])}"' in text
    assert f'<a href="{reverse("clusters")}" data-first>Clusters</a>' in text


def test_an_evaluation_leads_to_the_other_dataset_that_it_is_on(
    client_of: dict[str, Client], application: Application
) -> None:
    student = make_student(make_dataset(application, ["play Can"]))
    other = make_dataset(application, ["play Blur"])
    given = {"student": student.pk, "dataset": other.pk}
    make_job(application, JobState.RUNNING, kind=JobKind.EVALUATE, parameters=given)
    text = page(client_of["viewer"], kind="evaluate")
    assert reverse("student", args=[student.pk]) in text
    assert f'<a href="{reverse("dataset", args=[other.pk])}" data-first>Dataset {other.version}</a>' in text


def test_a_labelling_leads_to_its_cluster_and_to_what_has_no_usable_answer(
    client_of: dict[str, Client], application: Application
) -> None:
    cluster = make_cluster(make_clustering(application), "play {artist}", [])
    make_job(application, JobState.QUEUED, kind=JobKind.LABEL, parameters={"scope": "again", "cluster": cluster.pk})
    text = page(client_of["viewer"])
    assert f'<a href="{reverse("cluster", args=[cluster.pk])}" data-first>Cluster {cluster.name}</a>' in text
    assert f'href="{reverse("labelling")}#spent"' in text and "#unusable" not in text
    result = {"answered": 3, "unusable": 2, "left": 0, "stopped": ""}
    Job.objects.update(state=JobState.DONE, result=result)
    assert f'href="{reverse("labelling")}#unusable"' in page(client_of["viewer"])
    cluster.delete()
    assert "Cluster play" not in page(client_of["viewer"])


@pytest.mark.parametrize(
    ("deleted", "sentence"),
    [
        ({"queries": 1, "dataset_examples": 2, "evaluation_examples": 1},
         "1 query deleted, 2 dataset examples, the words of 1 evaluation example<"),
        ({"spool_lines": 0}, "0 queries deleted<"),
    ],
)  # fmt: skip
def test_the_deletion_of_a_user_says_how_much_it_deleted(
    deleted: dict[str, int], sentence: str, client_of: dict[str, Client], application: Application
) -> None:
    make_job(application, JobState.DONE, kind=JobKind.FORGET, parameters={"deletion": 1}, result=deleted)
    assert sentence in page(client_of["viewer"])


def test_the_list_is_narrowed_to_a_kind_and_a_state(client_of: dict[str, Client], application: Application) -> None:
    failed = make_job(application, JobState.FAILED)
    purge = make_job(application, JobState.DONE, kind=JobKind.PURGE, result={"queries": 1234})
    client = client_of["viewer"]
    assert f'id="job-{failed.pk}"' in page(client, state="failed")
    assert f'id="job-{purge.pk}"' not in page(client, state="failed")
    assert "1\u202f234 queries deleted" in page(client, kind="purge")
    assert "No such job" in page(client, kind="distil")
    assert f'id="job-{purge.pk}"' in page(client, kind="nonsense", before="x")


def test_the_head_offers_to_start_what_the_viewer_may_start(
    client_of: dict[str, Client], application: Application
) -> None:
    drift, live = f'action="{reverse("drift_look")}"', f'href="{reverse("evaluations")}#live"'
    for role, may_look, may_evaluate in (
        ("viewer", False, False),
        ("reviewer", True, False),
        ("approver", True, True),
    ):
        text = page(client_of[role])
        assert (drift in text, live in text) == (may_look, may_evaluate), role


def test_clustering_is_started_once(
    client_of: dict[str, Client], application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[int] = []
    monkeypatch.setattr(tasks.cluster, "delay_on_commit", queued.append)
    client_of["reviewer"].post(reverse("job_start"))
    again = client_of["reviewer"].post(reverse("job_start"), follow=True)
    job = Job.objects.get()
    assert queued == [job.pk]
    assert job.started_by is not None
    assert "under way already" in again.content.decode()


def test_a_broker_that_is_away_is_said_and_the_job_waits_for_it(
    client_of: dict[str, Client], application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(pk: int) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(tasks.cluster, "delay", refuse)
    monkeypatch.setattr(tasks.cluster, "delay_on_commit", tasks.cluster.send)
    monkeypatch.setattr(views, "broker_answers", lambda: False)
    text = client_of["reviewer"].post(reverse("job_start"), follow=True).content.decode()
    assert "The broker does not answer; it starts when the broker is back." in text
    assert "The broker does not answer, so no job starts" in text
    job = Job.objects.get()
    assert (job.state, job.task, job.sent_at) == (JobState.QUEUED, "curation.tasks.cluster", None)


def test_a_refresh_counts_anew_and_tells_whether_the_broker_is_back(
    client_of: dict[str, Client], application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    def part() -> str:
        return client_of["viewer"].get(reverse("jobs"), headers=HTMX).content.decode()

    monkeypatch.setattr(views, "broker_answers", lambda: False)
    assert "The broker does not answer" in part() and 'hx-trigger="every 2s"' in part()
    assert "alert" not in part(), "it is not read out again and again"
    monkeypatch.setattr(views, "broker_answers", lambda: True)
    assert "The broker does not answer" not in part() and 'hx-trigger="every 2s"' not in part()
    assert "<html" not in part() and 'id="jobs-under-way" hx-swap-oob="true"' in part()


def test_the_navigation_counts_the_jobs_under_way(client_of: dict[str, Client], application: Application) -> None:
    make_job(application, JobState.DONE)
    assert 'class="count" hidden' in client_of["viewer"].get(reverse("students")).content.decode()
    make_job(application, JobState.QUEUED)
    assert "under way: </span>1</span>" in client_of["viewer"].get(reverse("students")).content.decode()


def test_a_waiting_job_is_cancelled(client_of: dict[str, Client], application: Application) -> None:
    job = make_job(application, JobState.QUEUED)
    client_of["approver"].post(reverse("job_cancel", args=[job.pk]))
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


@pytest.mark.parametrize("kind", [JobKind.CLUSTER, JobKind.BUILD, JobKind.EVALUATE, JobKind.PURGE])
def test_a_job_that_failed_is_started_again_with_the_same_input(
    kind: JobKind,
    client_of: dict[str, Client],
    application: Application,
    users: dict[str, User],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queued: list[int] = []
    for task in (tasks.cluster, tasks.purge, training_tasks.build, training_tasks.evaluate):
        monkeypatch.setattr(task, "delay_on_commit", queued.append)
    failed = make_job(application, JobState.FAILED, kind=kind, parameters={"student": 3})
    client = client_of["administrator"]
    assert reverse("job_again", args=[failed.pk]) in page(client)
    client.post(reverse("job_again", args=[failed.pk]))
    job = Job.objects.exclude(pk=failed.pk).get()
    assert (job.kind, job.parameters, job.started_by) == (kind, {"student": 3}, users["administrator"])
    assert queued == [job.pk]
    assert "under way already" in client.post(reverse("job_again", args=[failed.pk]), follow=True).content.decode()


def test_work_that_the_schedule_could_not_start_is_started_again_with_the_usual_choices(
    client_of: dict[str, Client], application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[int] = []
    monkeypatch.setattr(training_tasks.evaluate, "delay_on_commit", queued.append)
    training_tasks.evaluate_scheduled(application.pk)
    failed = Job.objects.get()
    client = client_of["approver"]
    assert failed.message in page(client)
    again = reverse("job_again", args=[failed.pk])
    assert "neither a champion nor a challenger" in client.post(again, follow=True).content.decode()
    student = learned_yesterday(application)
    arrive(student, [*PLAYS, *ALARMS])
    Alias.objects.create(application=application, name="champion", student=student)
    client.post(again)
    job = Job.objects.get(pk=queued[0])
    assert (job.kind, job.trigger, job.parameters["students"]) == (JobKind.EVALUATE, Trigger.PAGE, [student.pk])


def test_a_run_that_was_cancelled_is_started_again_as_a_new_run(
    client_of: dict[str, Client], application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[int] = []
    monkeypatch.setattr(training_tasks.distil, "delay_on_commit", queued.append)
    run = make_run(make_dataset(application, ["play Can"]), JobState.CANCELLED)
    client_of["approver"].post(reverse("job_again", args=[run.job_id]))
    new = DistillationRun.objects.exclude(pk=run.pk).get()
    assert (new.dataset, new.family, queued) == (run.dataset, run.family, [new.job_id])
    assert new.config.items() >= run.config.items()


def test_who_may_not_start_a_kind_of_work_may_not_repeat_it(
    client_of: dict[str, Client], application: Application
) -> None:
    failed = make_job(application, JobState.FAILED, kind=JobKind.EVALUATE, parameters={"student": 3})
    assert reverse("job_again", args=[failed.pk]) not in page(client_of["reviewer"])
    assert client_of["reviewer"].post(reverse("job_again", args=[failed.pk])).status_code == 403
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("state", "kind", "sentence"),
    [
        (JobState.RUNNING, JobKind.CLUSTER, "has not ended yet"),
        (JobState.FAILED, JobKind.DRIFT, "where its input is chosen"),
    ],
)
def test_what_cannot_be_repeated_is_told(
    state: JobState,
    kind: JobKind,
    sentence: str,
    client_of: dict[str, Client],
    application: Application,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(starting, "AGAIN", {JobKind.CLUSTER: starting.AGAIN[JobKind.CLUSTER]})
    job = make_job(application, state, kind=kind)
    answer = client_of["administrator"].post(reverse("job_again", args=[job.pk]), follow=True)
    assert sentence in answer.content.decode()
    assert Job.objects.count() == 1


def test_a_failure_that_was_made_good_needs_nobody(application: Application) -> None:
    failed = make_job(application, JobState.FAILED)
    assert failed_since(application, days=7) == [failed]
    make_job(application, JobState.DONE)
    assert failed_since(application, days=7) == []


def test_the_list_takes_the_same_queries_for_many_jobs(
    client_of: dict[str, Client], application: Application, django_assert_max_num_queries: Any
) -> None:
    for _ in range(30):
        make_student(make_dataset(application, ["play Can"]))
    with django_assert_max_num_queries(14):
        page(client_of["administrator"])
