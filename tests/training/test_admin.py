from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from curation.models import Application, Job, Teacher
from curation.services.applications import teacher_set
from tests.curation.traffic import make_query
from tests.moody_teacher import MoodyTeacher
from tests.training.gateway.servers import running
from tests.training.learned import make_evaluation
from tests.training.live import ALARMS, PLAYS, arrive, learned_yesterday
from training.models import Alias, DistillationRun, Student
from training.services.policies import policy_of


@pytest.fixture
def student(application: Application) -> Student:
    student = learned_yesterday(application, ["play Can"])
    make_evaluation(student)
    policy_of(application)
    return student


@pytest.fixture
def console(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_history_is_shown_and_not_edited(console: Client, student: Student) -> None:
    address = reverse("admin:training_student_change", args=[student.pk])
    assert console.get(address).status_code == 200
    assert console.post(address, {"version": "another"}).status_code == 403
    assert console.post(reverse("admin:training_student_delete", args=[student.pk])).status_code == 403


def test_actions_start_jobs(console: Client, student: Student, django_capture_on_commit_callbacks) -> None:
    with django_capture_on_commit_callbacks() as queued:
        for model, action, key in (("dataset", "distil", student.dataset_id), ("student", "evaluate", student.pk)):
            address = reverse(f"admin:training_{model}_changelist")
            console.post(address, {"action": action, "_selected_action": [key]}, follow=True)
    assert len(queued) == 2
    assert sorted(Job.objects.filter(trigger="admin").values_list("kind", flat=True)) == ["distil", "evaluate"]
    assert DistillationRun.objects.count() == 2


def test_the_jobs_of_an_application_start_as_actions(
    console: Client, application: Application, django_capture_on_commit_callbacks
) -> None:
    Application.objects.filter(pk=application.pk).update(keep_days=30)
    address = reverse("admin:curation_application_changelist")
    with django_capture_on_commit_callbacks() as queued:
        for action in ("cluster", "build", "drift", "purge"):
            console.post(address, {"action": action, "_selected_action": [application.pk]}, follow=True)
    assert len(queued) == 4
    kinds = sorted(Job.objects.filter(trigger="admin").values_list("kind", flat=True))
    assert kinds == ["build", "cluster", "drift", "purge"]


def test_the_teacher_is_asked_as_an_action_where_there_is_one(
    console: Client, application: Application, django_capture_on_commit_callbacks
) -> None:
    make_query(application, "play Can", answered=False)
    address = reverse("admin:curation_application_changelist")
    choice = {"action": "label", "_selected_action": [application.pk]}
    assert "has no teacher" in console.post(address, choice, follow=True).content.decode()
    teacher_set(application=application, base_url="http://127.0.0.1:9/v1", model="large")
    told = console.post(address, choice, follow=True).content.decode()
    assert "Nothing was started" in told and "cannot be reached; check the address" in told
    assert not Job.objects.exists()
    with running(MoodyTeacher(), lifespan="off") as url, django_capture_on_commit_callbacks() as queued:
        teacher_set(application=application, base_url=f"{url}/v1", model="large")
        Teacher.objects.update(input_price=2000, output_price=8000)
        told = console.post(address, choice, follow=True).content.decode()
    assert len(queued) == 1
    assert re.search(r"asked about 1 query: about [\d,]+ tokens and \d\.\d\d in money\.", told)


def test_champion_and_challenger_are_evaluated_on_live_traffic_as_an_action(
    console: Client, student: Student, django_capture_on_commit_callbacks
) -> None:
    Alias.objects.create(application=student.application, name="champion", student=student)
    arrive(student, [*PLAYS, *ALARMS])
    address = reverse("admin:curation_application_changelist")
    with django_capture_on_commit_callbacks() as queued:
        choice = {"action": "evaluate", "_selected_action": [student.application_id]}
        told = console.post(address, choice, follow=True).content.decode()
    assert len(queued) == 1 and "The evaluation on live traffic of" in told
    assert Job.objects.get(trigger="admin").parameters == {"students": [student.pk], "days": 7}


def test_staff_who_may_not_approve_are_offered_no_actions(student: Student) -> None:
    staff = User.objects.create_user("clerk", is_staff=True)
    client = Client()
    client.force_login(staff)
    assert client.get(reverse("admin:training_student_changelist")).status_code == 403
