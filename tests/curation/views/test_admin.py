"""The admin console: lists to read, actions that start jobs, nothing that breaks history."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from curation import tasks
from curation.ml.calls import Call
from curation.models import Application, Cluster, Job, Query, Teacher
from curation.models.jobs import JobKind, JobState, Trigger
from curation.services.applications import application_ensure
from odia_site.console import CONSOLE
from tests.busy import fill
from tests.curation.traffic import make_cluster, make_clustering, make_query, student_decision
from training import tasks as training_tasks
from training.models.schedules import Work, arguments_of
from training.services.policies import policy_of

OWN = sorted(
    model._meta.label_lower.replace(".", "_")
    for app in ("curation", "training")
    for model in apps.get_app_config(app).get_models()
)
SCHEDULE = [f"django_celery_beat_{name}" for name in ("periodictask", "crontabschedule", "intervalschedule")]


@pytest.fixture
def console(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def query(application: Application) -> Query:
    call = Call("play", {"artist": "Can"})
    query = make_query(application, "play Can", call, decision=student_decision(call))
    make_cluster(make_clustering(application), "play {artist}", [query])
    return query


@pytest.fixture
def busy(application: Application) -> Application:
    """With many rows of every kind that has lists."""
    fill(application, queries=60, clusters=12, learned=3)
    policy_of(application)
    daily = CrontabSchedule.objects.create(minute="30", hour="3")
    PeriodicTask.objects.create(
        name="music: cluster", task=Work.CLUSTER.value, kwargs=arguments_of(application), crontab=daily
    )
    return application


def test_every_model_has_a_list_and_a_place_in_the_sidebar() -> None:
    listed = {model for pages in CONSOLE.values() for _, model, _, _ in pages}
    registered = {model._meta.label_lower.replace(".", "_") for model in admin.site._registry}
    assert set(OWN) <= registered
    assert registered == listed


@pytest.mark.parametrize("model", [*OWN, *SCHEDULE])
def test_lists_and_rows_open_with_a_bounded_number_of_queries(
    model: str, console: Client, busy: Application, django_assert_max_num_queries: Any
) -> None:
    address = reverse(f"admin:{model}_changelist")
    console.get(address)
    with django_assert_max_num_queries(20):
        answer = console.get(address)
    assert answer.status_code == 200
    row = answer.context["cl"].queryset.first()
    if row:
        with django_assert_max_num_queries(25):
            assert console.get(reverse(f"admin:{model}_change", args=[row.pk])).status_code == 200


def test_the_console_asks_nobody_else(console: Client, busy: Application) -> None:
    for name in ("index", "curation_job_changelist", "django_celery_beat_periodictask_changelist"):
        text = console.get(reverse(f"admin:{name}")).content.decode()
        assert re.findall(r"""(?:src|href)=["'](?:https?:)?//[^"']+""", text) == []


@pytest.mark.parametrize("model", [*(name for name in OWN if name not in ("curation_application", "curation_teacher"))])
def test_history_is_neither_added_nor_deleted(model: str, console: Client, busy: Application) -> None:
    assert console.get(reverse(f"admin:{model}_add")).status_code == 403
    row = apps.get_model(model.replace("_", ".", 1)).objects.first()
    if row:
        assert console.post(reverse(f"admin:{model}_delete", args=[row.pk])).status_code == 403
    if row and model != "training_routingpolicy":
        assert console.post(reverse(f"admin:{model}_change", args=[row.pk]), {"name": "x"}).status_code == 403


@pytest.mark.parametrize("model", ["curation_application", "curation_teacher"])
def test_what_history_rests_on_is_not_deleted(model: str, console: Client, application: Application) -> None:
    assert console.post(reverse(f"admin:{model}_delete", args=[application.pk])).status_code == 403
    assert Application.objects.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"base_url": "http://169.254.169.254/v1"}, "never asked"),
        ({"api_key_env": "ODIA_SECRET_KEY"}, "ODIA&#x27;s own"),
    ],
)
def test_a_teacher_is_checked_there_as_on_the_page(
    changes: dict[str, str], sentence: str, console: Client, application: Application
) -> None:
    given = {"application": application.pk, "base_url": "http://127.0.0.1:9/v1", "model": "large"}
    rest = {"timeout_seconds": "30", "input_price": "0", "output_price": "0", "api_key_env": "", "concurrency": "4"}
    address = reverse("admin:curation_teacher_add")
    assert sentence in console.post(address, {**given, **rest, **changes}).content.decode()
    assert not Teacher.objects.exists()
    console.post(address, {**given, **rest})
    assert Teacher.objects.get().model == "large"


@pytest.mark.parametrize("model", [*OWN, *SCHEDULE, "auth_user", "auth_group"])
def test_who_is_no_staff_sees_nothing_of_the_console(model: str, client_of: dict[str, Client]) -> None:
    for client in (client_of["approver"], Client()):
        for page in ("changelist", "add"):
            for answer in (client.get(reverse(f"admin:{model}_{page}")), client.post(reverse(f"admin:{model}_{page}"))):
                assert answer.status_code == 302
                assert answer["Location"].startswith("/admin/login/")


@pytest.mark.parametrize(("words", "found"), [("can", 1), ("blur", 0), ("", 1), ("?!", 0)])
def test_queries_are_found_by_their_words(words: str, found: int, console: Client, query: Query) -> None:
    answer = console.get(reverse("admin:curation_query_changelist"), {"q": words})
    assert answer.context["cl"].result_count == found


@pytest.mark.parametrize(
    ("action", "task", "kind"),
    [("cluster", tasks.cluster, JobKind.CLUSTER), ("build", training_tasks.build, JobKind.BUILD)],
)
def test_an_action_starts_the_job_of_an_application(
    action: str, task: Any, kind: JobKind, console: Client, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[int] = []
    monkeypatch.setattr(task, "delay_on_commit", queued.append)
    given = {"action": action, "_selected_action": [application.pk]}
    for _ in range(2):
        answer = console.post(reverse("admin:curation_application_changelist"), given, follow=True)
    job = Job.objects.get()
    assert (queued, job.kind, job.trigger) == ([job.pk], kind, Trigger.ADMIN)
    assert "under way already" in answer.content.decode()


def test_actions_cancel_jobs_and_start_them_again(
    console: Client, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[int] = []
    monkeypatch.setattr(tasks.cluster, "delay_on_commit", queued.append)
    waiting = Job.objects.create(application=application, kind=JobKind.CLUSTER, trigger=Trigger.PAGE)
    address = reverse("admin:curation_job_changelist")
    console.post(address, {"action": "cancel", "_selected_action": [waiting.pk]})
    waiting.refresh_from_db()
    assert waiting.state == JobState.CANCELLED
    console.post(address, {"action": "again", "_selected_action": [waiting.pk]})
    assert queued == [Job.objects.exclude(pk=waiting.pk).get().pk]


def test_an_action_decides_clusters_with_a_review(console: Client, query: Query) -> None:
    cluster = Cluster.objects.get()
    given = {"action": "approve", "_selected_action": [cluster.pk]}
    console.post(reverse("admin:curation_cluster_changelist"), given)
    cluster.refresh_from_db()
    assert cluster.status == "approved"
    assert cluster.reviews.get().reviewer


@pytest.fixture
def staff(users: dict[str, User]) -> dict[str, User]:
    """Let into the console by hand: by its name, each group's user of Music, and a neighbour: a viewer of Weather."""
    neighbour = User.objects.create_user("neighbour")
    neighbour.groups.set(users["viewer"].groups.all())
    application_ensure(slug="weather", name="Weather").members.add(neighbour)
    User.objects.update(is_staff=True)
    return {user.username: user for user in User.objects.all()}


def shown_to(user: User, model: str) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(reverse(f"admin:{model}_changelist"))


ADMINISTRATORS_ONLY = {"curation_forgottenuser", "curation_signinfailure"}


def test_staff_see_the_rows_of_their_own_applications(busy: Application, staff: dict[str, User]) -> None:
    client = Client()
    client.force_login(staff["neighbour"])
    for model in sorted(set(OWN) - ADMINISTRATORS_ONLY):
        everything = set(shown_to(staff["administrator"], model).context["cl"].queryset)
        own = set(shown_to(staff["viewer"], model).context["cl"].queryset)
        others = shown_to(staff["neighbour"], model)
        assert set(others.context["cl"].queryset) == everything - own, model
        assert len(everything - own) == (model == "curation_application"), "Weather has nothing but itself"
        assert "Music" not in others.content.decode(), model
        for row in list(own)[:1]:
            assert client.get(reverse(f"admin:{model}_change", args=[row.pk])).status_code == 302, model


def test_what_is_for_administrators_is_refused(staff: dict[str, User]) -> None:
    for model in ADMINISTRATORS_ONLY:
        assert [shown_to(staff[name], model).status_code for name in ("administrator", "approver")] == [200, 403]


def test_filters_name_the_rows_of_own_applications_only(busy: Application, staff: dict[str, User]) -> None:
    for name in ("weather", "news"):
        other = application_ensure(slug=name, name=name.capitalize())
        other.members.add(staff["neighbour"])
        make_clustering(other)
    page = shown_to(staff["neighbour"], "curation_clustering").content.decode()
    assert "News" in page and "Music" not in page
    assert "Music" in shown_to(staff["administrator"], "curation_clustering").content.decode()


@pytest.mark.parametrize(
    ("kind", "user", "allowed"),
    [
        (JobKind.CLUSTER, "reviewer", True),
        (JobKind.EVALUATE, "reviewer", False),
        (JobKind.EVALUATE, "approver", True),
        (JobKind.PURGE, "approver", False),
        (JobKind.FORGET, "approver", False),
        (JobKind.PURGE, "administrator", True),
    ],
)
def test_each_kind_of_work_takes_its_own_permission_as_on_the_page(
    kind: JobKind,
    user: str,
    allowed: bool,
    application: Application,
    staff: dict[str, User],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for task in (tasks.cluster, tasks.purge, training_tasks.evaluate, training_tasks.forget):
        monkeypatch.setattr(task, "delay_on_commit", lambda pk: None)
    job = Job.objects.create(application=application, kind=kind, trigger=Trigger.PAGE)
    client = Client()
    client.force_login(staff[user])
    address = reverse("admin:curation_job_changelist")
    told = ""
    for action in ("cancel", "again"):
        given = {"action": action, "_selected_action": [job.pk]}
        told += client.post(address, given, follow=True).content.decode()
    job.refresh_from_db()
    assert (job.state == JobState.CANCELLED) == allowed
    assert Job.objects.count() == (2 if allowed else 1)
    assert ("your account may not start or stop it" in told) != allowed


def test_administrators_use_the_console_and_their_schedule(
    client_of: dict[str, Client], users: dict[str, User], busy: Application
) -> None:
    User.objects.filter(pk__in=[users["administrator"].pk, users["viewer"].pk]).update(is_staff=True)
    for name, status in (("administrator", 200), ("viewer", 403)):
        for model in SCHEDULE:
            assert client_of[name].get(reverse(f"admin:{model}_changelist")).status_code == status
    viewers = client_of["viewer"].get(reverse("admin:index")).content.decode()
    assert "Failed sign-ins" not in viewers and "Clusterings" in viewers
    task = PeriodicTask.objects.get()
    given = {"action": "disable_tasks", "_selected_action": [task.pk]}
    client_of["administrator"].post(reverse("admin:django_celery_beat_periodictask_changelist"), given)
    task.refresh_from_db()
    assert not task.enabled
