"""The page of drift, what the overview says of it, the job behind it and the schedule."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from curation.ml.calls import Call
from curation.models import Application, Job
from curation.models.jobs import JobKind, JobState, Trigger
from curation.services.applications import application_ensure
from tests.curation.traffic import make_query
from tests.training.drifting import ALARMS, make_report
from training import tasks
from training.models import DriftReport
from training.services.autopilot import autopilot_change
from training.starting import job_again


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The keys of the jobs handed to the workers."""
    keys: list[int] = []
    monkeypatch.setattr(tasks.drift, "delay_on_commit", keys.append)
    return keys


def page(client: Client, address: str = "") -> str:
    answer = client.get(address or reverse("drift"))
    assert answer.status_code == 200
    return answer.content.decode()


def test_before_the_first_look_the_page_says_when_it_comes(
    client_of: dict[str, Client], application: Application
) -> None:
    text = page(client_of["viewer"])
    assert "Nobody has looked yet" in text and "Look now <kbd>" not in text
    assert "Look now <kbd>" in page(client_of["reviewer"])


def test_alarms_stand_first_with_what_to_do(client_of: dict[str, Client], application: Application) -> None:
    query = make_query(application, "order a pizza", Call("order_food", {"dish": "pizza"}))
    make_report(application, alarms=[{**ALARMS[0], "queries": [str(query.pk)]}, *ALARMS[1:]])
    text = page(client_of["approver"])
    assert "4 alarms" in text
    for alarm in ALARMS:
        assert text.index(alarm["sentence"]) < text.index("Unknown traffic</h2>")
    assert "Cluster the traffic" in text and reverse("run_start") in text
    assert reverse("query", args=[query.pk]) in text and "order a pizza" in text
    assert "agrees=no&amp;function=play_music&amp;since=" in text
    viewers = page(client_of["viewer"])
    assert "Cluster the traffic <kbd>" not in viewers and reverse("run_start") not in viewers


def test_functions_show_their_move_and_audits_a_chart_with_its_table(
    client_of: dict[str, Client], application: Application
) -> None:
    make_report(application)
    text = page(client_of["viewer"])
    assert "No alarm" in text and "4.0%" in text
    assert "50.0%" in text and "70.0%" in text and "+20.0" in text and "−20.0" in text
    assert 'id="audited-figure"' in text and "5.00%" in text
    assert f"/traffic/?function=play_music&amp;since={timezone.now() - timedelta(days=1):%Y-%m-%d}" in text


def test_too_little_traffic_is_said(client_of: dict[str, Client], application: Application) -> None:
    make_report(application, queries=12, unknown_share=None, functions=[], audits=[])
    text = page(client_of["viewer"])
    assert "too little traffic to say anything: 100 queries are needed" in text
    rows = [{"function": "play_music", "before": None, "now": 1.0, "queries": 200, "moved": False}]
    make_report(application, queries=200, unknown_share=None, functions=rows, audits=[])
    text = page(client_of["viewer"])
    assert "too little traffic from before to compare it with" in text and "no clustering" in text


def test_earlier_looks_are_listed_and_can_be_read(client_of: dict[str, Client], application: Application) -> None:
    first = make_report(application, alarms=ALARMS[:1])
    for _ in range(30):
        make_report(application)
    text = page(client_of["viewer"])
    assert "A third is like nothing" not in text and "Older" in text
    older = page(client_of["viewer"], f"{reverse('drift')}?before={DriftReport.objects.all()[23].pk}")
    assert "A third is like nothing" in older and reverse("drift_report", args=[first.pk]) in older
    one = page(client_of["viewer"], reverse("drift_report", args=[first.pk]))
    assert "1 alarm<" in one and "The newest look" in one
    assert client_of["viewer"].get(reverse("drift_report", args=[first.pk - 1])).status_code == 404


def test_with_the_autopilot_on_the_page_says_that_it_reacts(
    client_of: dict[str, Client], application: Application
) -> None:
    make_report(application, alarms=ALARMS)
    assert all(alarm["sentence"] in page(client_of["approver"], "/") for alarm in ALARMS)
    autopilot_change(application=application, changes={"enabled": True}, user=None)
    text = page(client_of["approver"])
    assert "a smaller change of the traffic is enough" in text and "Cluster the traffic <kbd>" not in text
    assert "A third is like nothing" not in page(client_of["approver"], "/")


def test_alarms_of_long_ago_need_nobody(client_of: dict[str, Client], application: Application) -> None:
    make_report(application, alarms=ALARMS)
    DriftReport.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert "A third is like nothing" not in page(client_of["approver"], "/")


def test_a_reviewer_has_the_traffic_looked_at(
    client_of: dict[str, Client], application: Application, users: dict[str, User], queued: list[int]
) -> None:
    client = client_of["reviewer"]
    assert client.post(reverse("drift_look"), follow=True).status_code == 200
    job = Job.objects.get(kind=JobKind.DRIFT)
    assert (job.trigger, job.started_by, queued) == (Trigger.PAGE, users["reviewer"], [job.pk])
    assert f'hx-get="{reverse("job_under_way", args=[job.pk])}" hx-trigger="every 2s"' in page(client)
    text = client.post(reverse("drift_look"), follow=True).content.decode()
    assert "The same job is under way already" in text


def test_a_look_that_failed_is_told_until_another_is_made(
    client_of: dict[str, Client], application: Application
) -> None:
    job = Job.objects.create(
        application=application, kind=JobKind.DRIFT, trigger=Trigger.PAGE, state=JobState.FAILED, message="No disk."
    )
    text = page(client_of["viewer"])
    assert "failed last time: No disk." in text and "every 2s" not in text
    Job.objects.create(application=application, kind=JobKind.DRIFT, trigger=Trigger.PAGE, state=JobState.DONE)
    assert job.message not in page(client_of["viewer"])


def test_the_job_makes_a_report_and_links_to_it(client_of: dict[str, Client], application: Application) -> None:
    job = Job.objects.create(application=application, kind=JobKind.DRIFT, trigger=Trigger.PAGE)
    tasks.drift(job.pk)
    job.refresh_from_db()
    report = DriftReport.objects.get()
    assert (job.state, job.result) == (JobState.DONE, {"drift": report.pk})
    link = reverse("drift_report", args=[report.pk])
    assert link in page(client_of["viewer"], reverse("jobs"))
    report.delete()
    assert link not in page(client_of["viewer"], reverse("jobs"))


def test_a_job_is_done_once_more(application: Application, queued: list[int]) -> None:
    failed = Job.objects.create(
        application=application, kind=JobKind.DRIFT, trigger=Trigger.SCHEDULE, state=JobState.FAILED
    )
    job_again(job=failed, trigger=Trigger.PAGE)
    assert queued == [Job.objects.latest("pk").pk] and queued != [failed.pk]


def test_every_hour_the_applications_with_news_are_looked_at(application: Application, queued: list[int]) -> None:
    application_ensure(slug="silent")
    looked_at = application_ensure(slug="looked-at")
    for one in (application, looked_at):
        make_query(one, "play Can", Call("play", {"artist": "Can"}))
    make_report(looked_at)
    tasks.drift_scheduled()
    job = Job.objects.get()
    assert (job.application, job.kind, job.trigger) == (application, JobKind.DRIFT, Trigger.SCHEDULE)
    tasks.drift_scheduled()
    assert queued == [job.pk], "what is under way is not started twice"


def test_administrators_start_a_look_in_the_console(application: Application, queued: list[int]) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    data = {"action": "drift", "_selected_action": [application.pk]}
    client.post(reverse("admin:curation_application_changelist"), data, follow=True)
    assert Job.objects.get().trigger == Trigger.ADMIN
    report = make_report(application, alarms=ALARMS)
    assert client.get(reverse("admin:training_driftreport_change", args=[report.pk])).status_code == 200
