"""Who may do what: every address of the site, by each method, as each kind of visitor.

A new address fails `test_every_address_is_listed` until it has its line in `ADDRESSES`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from curation.ml.calls import Call
from curation.models import Application, Job
from curation.models.jobs import JobKind, JobState, Trigger
from curation.models.reviews import Decision
from curation.services.applications import application_ensure
from curation.services.cluster_reviews import cluster_decide
from curation.services.jobs import job_create
from tests.curation.traffic import make_cluster, make_clustering, make_query
from tests.training.drifting import make_report
from tests.training.learned import make_dataset, make_evaluation, make_student
from training.models import Judgement, SwitchOff
from training.models.datasets import DatasetStatus
from training.models.schedules import Work, arguments_of
from training.services.keys import key_create

GET = ("GET",)
POST = ("POST",)
BOTH = ("GET", "POST")


@dataclass(frozen=True)
class Address:
    """`keys` are names of the fixture `rows`, whose values stand in the address; other words stand there themselves.

    `site` is true where the address is about the whole site and not about an application. `gone` is the status for a
    member of another application: there is no such row, or nothing to do.
    """

    permission: str
    methods: tuple[str, ...] = GET
    keys: tuple[str, ...] = ()
    site: bool = False
    gone: int = 404


def reads(*keys: str) -> Address:
    return Address("read", GET, keys)


def writes(permission: str, *keys: str) -> Address:
    return Address(permission, POST, keys)


def edits(permission: str, *keys: str) -> Address:
    return Address(permission, BOTH, keys)


ADDRESSES: dict[str, Address] = {
    # Traffic, clusters, reviews
    "home": reads(),
    "traffic": reads(),
    "traffic_decide": writes("review"),
    "traffic_correct": edits("review"),
    "query": reads("query"),
    "query_correct": writes("review", "query"),
    "query_exclude": writes("review", "query"),
    "query_include": writes("review", "query"),
    "review_undo": writes("review", "review"),
    "batch_undo": Address("review", POST, ("batch",), gone=302),
    "clusters": reads(),
    "clusters_decide": writes("review"),
    "cluster_map": reads(),
    "cluster": reads("cluster"),
    "cluster_decide": writes("review", "cluster"),
    "cluster_settle": writes("review", "cluster"),
    "cluster_split": edits("review", "cluster"),
    "cluster_merge": writes("review", "cluster"),
    # Datasets, runs, evaluations, students
    "datasets": reads(),
    "dataset_new": writes("review"),
    "dataset_build": reads("build"),
    "dataset_build_cancel": writes("review", "build"),
    "dataset_compare": reads(),
    "dataset": reads("dataset"),
    "dataset_approve": writes("approve", "draft"),
    "dataset_approval_undo": writes("approve", "dataset"),
    "dataset_export": reads("dataset", "openai"),
    "runs": reads(),
    "run_start": edits("approve"),
    "run_compare": reads(),
    "run": reads("run"),
    "run_log": reads("run"),
    "run_resume": writes("approve", "run"),
    "run_cancel": writes("approve", "run"),
    "evaluations": reads(),
    "evaluation_live": writes("approve"),
    "evaluation": reads("evaluation"),
    "compared": reads("evaluation"),
    "verdicts": reads("evaluation"),
    "verdict_give": writes("review", "evaluation", "example"),
    "verdict_undo": writes("review", "evaluation", "judgement"),
    "evaluation_new": writes("approve", "student"),
    "students": reads(),
    "student": reads("student"),
    "student_reviews": reads("student"),
    "student_promote": writes("approve", "student"),
    "roll_back": writes("approve"),
    "challenger_new": writes("approve", "student"),
    "challenger_withdraw": writes("approve"),
    "canary": writes("approve"),
    "turn_on": writes("approve", "switch_off"),
    "playground": edits("read"),
    # Drift
    "drift": reads(),
    "drift_report": reads("drift"),
    "drift_look": writes("review"),
    # Jobs
    "labelling": reads(),
    "labelling_start": writes("approve"),
    "jobs": reads(),
    "job_start": writes("review"),
    "job_under_way": reads("job"),
    "job_again": writes("review", "job"),
    "job_cancel": writes("review", "job"),
    # The audit trail
    "trail": reads(),
    "trail_export": reads(),
    # Settings
    "settings": edits("administer"),
    "settings_teacher": edits("administer"),
    "settings_teacher_test": writes("administer"),
    "settings_policy": edits("administer"),
    "autopilot": reads(),
    "autopilot_change": writes("administer"),
    "settings_keys": edits("administer"),
    "key_limit": writes("administer", "key"),
    "key_revoke": writes("administer", "key"),
    "schedule": edits("administer"),
    "schedule_edit": edits("administer", "task"),
    "schedule_switch": writes("administer", "task"),
    "schedule_delete": writes("administer", "task"),
    "retention": edits("administer"),
    "purge": writes("administer"),
    "forget": edits("administer"),
    "people": Address("administer", site=True),
    "person_new": Address("administer", BOTH, site=True),
    "person": Address("administer", BOTH, ("person",), site=True),
    "person_switch": Address("administer", POST, ("person",), site=True),
    "person_password": Address("administer", POST, ("person",), site=True),
    "applications": Address("administer", BOTH, site=True),
}
OPEN = {"login", "logout", "password_set", "admin_sign_in", "password_change", "select_application"}
"""Signing in and out and choosing a password, tested below by themselves; the console has tests of its own."""
MAY = {
    "outsider": "",
    "viewer": "read",
    "reviewer": "read review",
    "approver": "read review approve",
    "administrator": "read review approve administer",
    "stranger": "read review approve",
    "neighbour": "read review approve",
}
"""What each visitor may. A stranger is a member of no application, a neighbour of another one."""
WRITING = re.compile(r'^(INSERT INTO|UPDATE|DELETE FROM) "(?!django_session)')
# Pages may make what they show, such as a policy with its defaults.
MADE_BY_READING = re.compile(r'^INSERT INTO "training_routingpolicy"')
MARK = "play Can a secret"
"""A text of the application, which nobody else may see."""


@pytest.fixture
def visitors(users: dict[str, User], client_of: dict[str, Client]) -> dict[str, Client]:
    other = application_ensure(slug="weather", name="Weather")
    neighbour = User.objects.create_user("neighbour")
    neighbour.groups.add(Group.objects.get(name="approver"))
    other.members.add(neighbour)
    client = Client()
    client.force_login(neighbour)
    return {**client_of, "neighbour": client}


@pytest.fixture
def rows(application: Application) -> dict[str, Any]:
    """One of everything in the application, by its name; values are keys."""
    query = make_query(application, MARK, Call("play", {"artist": "Can"}))
    cluster = make_cluster(make_clustering(application), MARK, [query])
    review = cluster_decide(cluster=cluster, decision=Decision.APPROVE)
    job = job_create(application=application, kind=JobKind.CLUSTER, trigger=Trigger.PAGE)
    dataset = make_dataset(application, [MARK, "play Blur", "play Moby"])
    draft = make_dataset(application, [MARK], DatasetStatus.DRAFT)
    student = make_student(dataset)
    run = student.run
    type(run.job).objects.filter(pk=run.job_id).update(state=JobState.DONE)
    off = SwitchOff.objects.create(application=application, student=student, function="play_music", reason=MARK)
    key, _ = key_create(application=application, label=MARK)
    daily = CrontabSchedule.objects.create(minute="30", hour="3")
    task = PeriodicTask.objects.create(
        name="music: cluster", task=Work.CLUSTER.value, kwargs=arguments_of(application), crontab=daily
    )
    evaluation = make_evaluation(student)
    example = evaluation.examples.filter(agrees=False)[0]
    judge = User.objects.create_user("judge")
    judgement = Judgement.objects.create(example=evaluation.examples.all()[1], verdict="both", judged_by=judge)
    build = Job.objects.create(application=application, kind=JobKind.BUILD, trigger=Trigger.PAGE)
    report = make_report(application, alarms=[{"kind": "unknown", "function": "", "sentence": MARK}])
    batch = uuid4()
    type(review).objects.filter(pk=review.pk).update(batch=batch)
    return {
        "query": query.pk,
        "cluster": cluster.pk,
        "review": review.pk,
        "job": job.pk,
        "dataset": dataset.pk,
        "draft": draft.pk,
        "student": student.pk,
        "run": run.pk,
        "evaluation": evaluation.pk,
        "example": example.pk,
        "judgement": judgement.pk,
        "build": build.pk,
        "batch": batch,
        "switch_off": off.pk,
        "key": key.pk,
        "task": task.pk,
        "person": User.objects.create_user("somebody").pk,
        "drift": report.pk,
    }


def named_addresses(patterns: Iterable[Any]) -> Iterator[str]:
    """The names of all addresses; the console's are not counted."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.name or f"{pattern.pattern} has no name"
        elif isinstance(pattern, URLResolver) and pattern.namespace != "admin":
            yield from named_addresses(pattern.url_patterns)


def test_every_address_is_listed() -> None:
    names = list(named_addresses(get_resolver().url_patterns))
    assert len(names) == len(set(names))
    assert set(names) == set(ADDRESSES) | OPEN


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_visitor_does_what_the_groups_say_and_nothing_else(
    name: str, visitors: dict[str, Client], rows: dict[str, Any]
) -> None:
    it = ADDRESSES[name]
    path = _path(name, rows)
    for visitor, client in visitors.items():
        for method in BOTH:
            with _undone() as queries:
                answer: Any = client.generic(method, path)
            seen = f"{method} as {visitor}: {answer.status_code}"
            if method not in it.methods:
                _is_refused(answer, queries, seen, (403, 405))
                assert answer.status_code == 405 or it.permission not in MAY[visitor].split(), seen
            elif it.permission not in MAY[visitor].split():
                _is_refused(answer, queries, seen, (403,))
            elif visitor in ("stranger", "neighbour") and not it.site:
                _sees_nothing(it, method, answer, queries, seen)
            else:
                assert answer.status_code in (200, 302, 400), seen


@pytest.mark.parametrize("name", ADDRESSES)
def test_who_is_not_signed_in_is_sent_to_the_sign_in_page(name: str, rows: dict[str, Any]) -> None:
    path = _path(name, rows)
    for method in ADDRESSES[name].methods:
        with _undone() as queries:
            answer = Client().generic(method, path)
        assert answer["Location"].startswith("/sign-in/?next="), method
        assert _writes(queries) == []
        part = Client(headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/jobs/"})
        answer = part.generic(method, path)
        assert (answer.status_code, answer["HX-Redirect"]) == (200, "/sign-in/?next=/jobs/")


@pytest.mark.parametrize("name", [name for name, it in ADDRESSES.items() if "POST" in it.methods])
def test_nothing_is_written_without_the_token_of_the_page(
    name: str, users: dict[str, User], rows: dict[str, Any]
) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(users["administrator"])
    with _undone() as queries:
        answer = client.post(_path(name, rows))
    assert answer.status_code == 403
    assert "Load it again" in answer.content.decode()
    assert _writes(queries) == []


def test_a_member_who_leaves_an_application_sees_it_no_more(
    application: Application, visitors: dict[str, Client], users: dict[str, User], rows: dict[str, Any]
) -> None:
    client = visitors["viewer"]
    client.post(reverse("select_application"), {"application": application.pk})
    assert client.get(reverse("cluster", args=[rows["cluster"]])).status_code == 200
    application.members.remove(users["viewer"])
    assert client.get(reverse("cluster", args=[rows["cluster"]])).status_code == 404
    assert MARK not in client.get(reverse("clusters")).content.decode()


def test_an_application_is_chosen_by_its_members_only(application: Application, visitors: dict[str, Client]) -> None:
    choice = {"application": application.pk}
    statuses = {
        name: client.post(reverse("select_application"), choice).status_code for name, client in visitors.items()
    }
    refused = {name for name, status in statuses.items() if status != 302}
    assert refused == {"outsider", "stranger", "neighbour"}
    assert Client().post(reverse("select_application"), choice)["Location"].startswith("/sign-in/")
    assert visitors["viewer"].get(reverse("select_application")).status_code == 405


@contextmanager
def _undone() -> Iterator[CaptureQueriesContext]:
    """What is done inside is undone at its end."""
    with transaction.atomic():
        with CaptureQueriesContext(connection) as queries:
            yield queries
        transaction.set_rollback(True)


def _path(name: str, rows: dict[str, Any]) -> str:
    it = ADDRESSES[name]
    return reverse(name, args=[rows.get(key, key) for key in it.keys])


def _text(answer: Any) -> str:
    """A streamed answer is for those who may have it: whoever else gets one is caught by its status."""
    return "" if answer.streaming else answer.content.decode()


def _writes(queries: CaptureQueriesContext) -> list[str]:
    statements = [query["sql"] for query in queries.captured_queries]
    return [sql for sql in statements if WRITING.match(sql) and not MADE_BY_READING.match(sql)]


def _is_refused(answer: HttpResponse, queries: CaptureQueriesContext, seen: str, statuses: tuple[int, ...]) -> None:
    assert answer.status_code in statuses, seen
    assert _writes(queries) == [], seen
    assert MARK not in _text(answer), seen


def _sees_nothing(it: Address, method: str, answer: HttpResponse, queries: CaptureQueriesContext, seen: str) -> None:
    """A row of an application that is not theirs is not there; lists and forms are those of their own, or of none."""
    assert MARK not in _text(answer), seen
    touched = [sql for sql in _writes(queries) if method == "GET" or it.keys or "stranger" in seen]
    assert touched == [], seen
    if "stranger" in seen and (it.keys or method == "POST"):
        assert answer.status_code == 404, seen
    elif it.keys:
        assert answer.status_code == it.gone, seen
    else:
        assert answer.status_code in (200, 302, 400), seen
