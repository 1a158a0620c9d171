"""The audit trail: everything that was decided, by whom, with before and after."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone

from curation.ml.calls import Call
from curation.models import Application, Job, Review
from curation.models.jobs import JobKind, JobState, Trigger
from curation.selectors.people import people
from curation.services.applications import application_ensure, teacher_set
from curation.services.query_reviews import call_correct, query_exclude
from curation.services.undo import review_undo
from tests.curation.traffic import make_query
from tests.training.learned import make_dataset, make_evaluation, make_run, make_student
from training.models import AutopilotAction, EvaluationExample, Judgement, Promotion, SwitchOff
from training.models.datasets import DatasetStatus
from training.selectors.trail import POLICY, Wanted, read_cursor, trail_page
from training.services.datasets import dataset_approve
from training.services.forgetting import forget_now
from training.services.keys import key_create, key_revoke


@pytest.fixture
def anna(users: dict[str, User]) -> User:
    return users["approver"]


@pytest.fixture
def decided(application: Application, anna: User) -> Application:
    """One of every kind of decision."""
    query = make_query(application, "play Can", Call("play", {"artist": "Can"}))
    review = query_exclude(query=query, user=anna)
    review_undo(review=review, user=anna)
    call_correct(query=query, call=Call("volume", {"level": 3}), user=None)
    draft = make_dataset(application, ["play Can", "play Blur"], DatasetStatus.DRAFT)
    dataset_approve(dataset=draft, user=anna)
    student = make_student(draft)
    Promotion.objects.create(application=application, alias="champion", student=student, promoted_by=None)
    SwitchOff.objects.create(
        application=application, student=student, reason="It differs.", lifted_at=timezone.now(), lifted_by=anna
    )
    example = make_evaluation(student).examples.filter(agrees=False)[0]
    Judgement.objects.create(example=example, verdict="both", judged_by=anna, undone_by=anna, undone_at=timezone.now())
    Job.objects.create(application=application, kind=JobKind.CLUSTER, trigger=Trigger.PAGE, started_by=anna)
    Job.objects.create(application=application, kind=JobKind.PURGE, trigger=Trigger.SCHEDULE)
    AutopilotAction.objects.create(application=application, step="build", sentence="Built a dataset.")
    key_create(application=application, label="player")
    forget_now(application=application, client_id="somebody")
    return application


def told(application: Application, **wanted: Any) -> set[str]:
    return {event.what for event in trail_page(application, Wanted(**wanted)).events}


def test_every_kind_of_decision_is_told(decided: Application) -> None:
    assert told(decided) >= {
        "Excluded an example",
        "Undone",
        "Corrected a call",
        "Dataset approved",
        "Promoted",
        "Switched off",
        "Turned on again",
        "Both were right",
        "Verdict taken back: both were right",
        "Started: cluster the traffic",
        "Started: delete old queries",
        "Autopilot acted",
        "Key made",
        "All queries of a user deleted",
    }
    assert told(application_ensure(slug="weather")) == set()


def test_before_and_after_stand_beside_it(decided: Application) -> None:
    corrected = next(one for one in trail_page(decided, Wanted(kind="reviews")).events if one.what.startswith("Corr"))
    assert corrected.before["function"] == "play"
    assert corrected.after["function"] == "volume"
    assert "excluded" not in corrected.after


def test_the_filter_narrows_by_kind_person_and_time(decided: Application, anna: User) -> None:
    assert told(decided, kind="students") == {"Promoted"}
    assert "Dataset approved" in told(decided, person=anna.username)
    assert "Promoted" not in told(decided, person=anna.username)
    assert told(decided, person=POLICY) >= {"Promoted", "Corrected a call", "Switched off"}
    assert "Dataset approved" not in told(decided, person=POLICY)
    assert told(decided, since=timezone.now() + timedelta(hours=1)) == set()
    assert told(decided, until=timezone.now() - timedelta(hours=1)) == set()


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_hold_each_event_once_even_where_times_are_equal(decided: Application, size: int) -> None:
    Review.objects.update(created_at=timezone.now())
    Promotion.objects.update(created_at=Review.objects.all()[0].created_at)
    whole = [(one.at, one.source, one.pk) for one in trail_page(decided, Wanted()).events]
    paged, after = [], None
    while True:
        page = trail_page(decided, Wanted(), after, size)
        paged += [(one.at, one.source, one.pk) for one in page.events]
        if page.older is None:
            break
        after = read_cursor(str(page.older))
    assert paged == whole == sorted(whole, reverse=True)
    assert len(set(whole)) == len(whole) > 10


@pytest.mark.parametrize("text", ["", "x", "2026-01-01~review~1", "2026-01-01T00:00:00+00:00~review~x", "~~"])
def test_what_is_no_place_shows_the_newest(text: str) -> None:
    assert read_cursor(text) is None


def test_the_page_shows_it_to_viewers_with_links(decided: Application, client_of: dict[str, Client]) -> None:
    page = client_of["viewer"].get(reverse("trail")).content.decode()
    assert "Corrected a call" in page
    assert "the audits" in page
    assert reverse("query", args=[Review.objects.all()[0].query_id]) in page


def test_an_empty_trail_and_an_empty_filter_say_so(application: Application, client_of: dict[str, Client]) -> None:
    assert "Nothing was decided yet" in client_of["viewer"].get(reverse("trail")).content.decode()
    assert "No such decision" in client_of["viewer"].get(reverse("trail"), {"kind": "keys"}).content.decode()


def test_the_number_of_database_queries_does_not_grow(
    decided: Application, anna: User, client_of: dict[str, Client], django_assert_max_num_queries: Any
) -> None:
    for minute in range(30):
        query_exclude(query=make_query(decided, f"play {minute}", None, minute=minute), user=anna)
    with django_assert_max_num_queries(45):
        assert client_of["viewer"].get(reverse("trail")).status_code == 200


def test_exports_hold_exactly_what_is_filtered(decided: Application, anna: User) -> None:
    lines = [json.loads(line) for line in exported(anna, "jsonl", {"kind": "reviews"}).splitlines()]
    assert [line["what"] for line in lines] == ["Corrected a call", "Undone", "Excluded an example"]
    assert [line["who"] for line in lines] == ["the policy", "approver", "approver"]
    rows = list(csv.DictReader(io.StringIO(exported(anna, "csv", {"kind": "reviews"}))))
    assert [row["at"] for row in rows] == [line["at"] for line in lines]
    assert json.loads(rows[0]["after"]) == lines[0]["after"]


def test_a_spreadsheet_finds_no_formula(decided: Application, anna: User) -> None:
    Judgement.objects.all().update(undone_at=None)
    EvaluationExample.objects.all().update(text='=HYPERLINK("http://x")')
    rows = list(csv.DictReader(io.StringIO(exported(anna, "csv", {"kind": "verdicts"}))))
    assert [row["about"] for row in rows] == ['\'=HYPERLINK("http://x")']


def exported(user: User, form: str, wanted: dict[str, str]) -> str:
    async def read() -> str:
        browser = AsyncClient()
        await browser.aforce_login(user)
        answer: Any = await browser.get(reverse("trail_export"), {**wanted, "form": form})
        assert "attachment" in answer["Content-Disposition"]
        return b"".join([part async for part in answer.streaming_content]).decode()

    return async_to_sync(read)()


def test_there_are_no_other_exports(application: Application, client_of: dict[str, Client]) -> None:
    assert client_of["viewer"].get(reverse("trail_export"), {"form": "pdf"}).status_code == 404


def test_settings_that_a_person_changes_are_in_it(application: Application, client_of: dict[str, Client]) -> None:
    client = client_of["administrator"]
    client.post(reverse("retention"), {"keep_days": "30", "mask_personal": "on"})
    client.post(reverse("settings_keys"), {"label": "player"})
    client.post(reverse("key_revoke", args=[application.api_keys.get().pk]))
    events = trail_page(application, Wanted()).events
    assert [(one.what, one.who) for one in events] == [
        ("Api key changed", "administrator"),
        ("Api key added", "administrator"),
        ("Application changed", "administrator"),
    ]
    assert events[2].before == {"keep_days": None, "mask_personal": False}
    assert events[2].after == {"keep_days": 30, "mask_personal": True}
    assert application.api_keys.get().sha256 not in str(events)


def test_what_was_not_changed_is_not_told(application: Application, client_of: dict[str, Client]) -> None:
    client_of["administrator"].post(reverse("retention"), {"keep_days": ""})
    assert trail_page(application, Wanted()).events == []


def test_what_the_schedule_a_command_and_the_autopilot_start_is_told_once(application: Application) -> None:
    for trigger in (Trigger.SCHEDULE, Trigger.COMMAND):
        Job.objects.create(application=application, kind=JobKind.PURGE, trigger=trigger, state=JobState.DONE)
    job = Job.objects.create(application=application, kind=JobKind.CLUSTER, trigger=Trigger.AUTOPILOT)
    AutopilotAction.objects.create(application=application, step="cluster", sentence="It is time.", job=job)
    events = trail_page(application, Wanted(person=POLICY)).events
    assert [(one.what, one.by) for one in events] == [
        ("Autopilot acted", "the policy"),
        ("Started: delete old queries", "the command"),
        ("Started: delete old queries", "the schedule"),
    ]


@pytest.mark.parametrize("console", [False, True])
def test_who_cancels_a_job_or_a_run_is_told(
    console: bool, application: Application, client_of: dict[str, Client], users: dict[str, User]
) -> None:
    User.objects.filter(username="approver").update(is_staff=True)
    waiting = Job.objects.create(application=application, kind=JobKind.CLUSTER, trigger=Trigger.SCHEDULE)
    run = make_run(make_dataset(application, ["play Can"]), JobState.RUNNING)
    targets = {"job_cancel": ("curation_job", waiting.pk), "run_cancel": ("training_distillationrun", run.pk)}
    for _ in range(2):
        for name, (model, pk) in targets.items():
            path = reverse(f"admin:{model}_changelist") if console else reverse(name, args=[pk])
            client_of["approver"].post(path, {"action": "cancel", "_selected_action": [pk]} if console else {})
    told = [one for one in trail_page(application, Wanted(kind="jobs")).events if one.what == "Job cancelled"]
    assert [(one.who, one.before, one.after) for one in told] == [
        ("approver", {"cancel_requested": False}, {"cancel_requested": True}),
        ("approver", {"state": "queued"}, {"state": "cancelled"}),
    ]
    assert [one.about for one in told] == [
        f"Job {run.job_id}: Distil a student (running)",
        f"Job {waiting.pk}: Cluster the traffic (cancelled)",
    ]
    assert trail_page(application, Wanted(person="approver")).events == told


@pytest.mark.parametrize("console", [False, True])
def test_who_revokes_a_key_is_told_once(console: bool, application: Application, client_of: dict[str, Client]) -> None:
    User.objects.filter(username="administrator").update(is_staff=True)
    key, _ = key_create(application=application, label="player")
    path = reverse("admin:training_apikey_changelist") if console else reverse("key_revoke", args=[key.pk])
    for _ in range(2):
        client_of["administrator"].post(path, {"action": "revoke", "_selected_action": [key.pk]} if console else {})
    [revoked] = [one for one in trail_page(application, Wanted(kind="keys")).events if one.what != "Key made"]
    assert (revoked.who, revoked.before, revoked.after) == ("administrator", {"revoked": False}, {"revoked": True})


def test_what_a_command_sets_is_told_as_the_commands_doing(application: Application, users: dict[str, User]) -> None:
    key, _ = key_create(application=application)
    key_revoke(key=key)
    for model in ("large", "large", "larger"):
        teacher_set(application=application, base_url="http://127.0.0.1:9/v1", model=model)
    changed, added, revoked, _made = trail_page(application, Wanted(person=POLICY)).events
    assert (changed.what, changed.who, changed.by) == ("Teacher changed", "", "the command")
    assert (changed.before, changed.after) == ({"model": "large"}, {"model": "larger"})
    assert (added.what, added.before, added.after["model"]) == ("Teacher added", {}, "large")
    assert (revoked.what, revoked.by) == ("Api key changed", "the command")
    assert set(people()) == set(users.values()), "nobody of that name is among the users"
