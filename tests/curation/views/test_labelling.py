"""The page on which the teacher is asked: what it would cost, and what is wrong before anything starts."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from curation.models import Application, Job, Teacher
from curation.models.jobs import JobKind, JobState, Trigger
from curation.models.labelling import LabelChoices
from curation.services.labels import unusable_record
from curation.services.spending import spending_reserve
from tests.curation.traffic import make_cluster, make_clustering, make_query
from tests.moody_teacher import MoodyTeacher


@pytest.fixture
def approver(client_of: dict[str, Client]) -> Client:
    return client_of["approver"]


def page(client: Client, query: str = "") -> str:
    return client.get(f"/labelling/{query}").content.decode()


def test_without_a_teacher_the_page_says_what_to_do(approver: Client) -> None:
    assert "No teacher yet" in page(approver)


def test_the_page_tells_what_it_would_take_before_it_starts(
    application: Application, approver: Client, moody: MoodyTeacher
) -> None:
    for number in range(5):
        make_query(application, f"play {number}", answered=False)
    teacher = Teacher.objects.get()
    teacher.input_price, teacher.output_price = 2, 8
    teacher.save()
    assert "nothing is known of this teacher yet" in page(approver)
    spending_reserve(teacher=teacher, purpose="audit", prompt_tokens=100_000, completion_tokens=1000)  # type: ignore[arg-type]
    shown = page(approver)
    assert "5 queries" in shown
    assert "505\u202f000 tokens" in shown, "what its answers took so far, five times"
    assert "1.04 in money" in shown
    assert "2 queries" in page(approver, "?limit=2")
    assert moody.bodies == []


def test_who_asks_for_more_than_the_budget_has_left_is_told(
    application: Application, approver: Client, moody: MoodyTeacher
) -> None:
    make_query(application, "play Can", answered=False)
    Teacher.objects.update(monthly_tokens=10)
    shown = page(approver)
    assert "more than the budget of this month has left" in shown
    assert "0 of 10 tokens" in shown


def test_it_starts_a_job_that_the_list_shows(application: Application, approver: Client, moody: MoodyTeacher) -> None:
    make_query(application, "play Can", answered=False)
    response = approver.post("/labelling/start/", {"scope": "unanswered"}, follow=True)
    assert response.redirect_chain[-1][0] == "/jobs/"
    job = Job.objects.get()
    assert (job.kind, job.trigger, LabelChoices.from_json(job.parameters).queries) == (JobKind.LABEL, Trigger.PAGE, 1)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"base_url": "http://127.0.0.1:9/v1"}, "cannot be reached; check the address"),
        ({"api_key_env": "NO_SUCH_VARIABLE"}, "set the variable NO_SUCH_VARIABLE"),
    ],
)
def test_a_wrong_teacher_is_told_at_once_and_nothing_starts(
    application: Application, approver: Client, moody: MoodyTeacher, change: dict[str, str], sentence: str
) -> None:
    make_query(application, "play Can", answered=False)
    Teacher.objects.update(**change)
    shown = approver.post("/labelling/start/", {"scope": "unanswered"}).content.decode()
    assert sentence in shown
    assert not Job.objects.exists()


@pytest.mark.parametrize("console", [False, True])
def test_a_labelling_is_started_again_only_where_the_teacher_answers(
    console: bool, application: Application, approver: Client, moody: MoodyTeacher
) -> None:
    make_query(application, "play Can", answered=False)
    approver.post("/labelling/start/", {"scope": "unanswered"})
    failed = Job.objects.get()
    Job.objects.update(state=JobState.FAILED)
    User.objects.filter(username="approver").update(is_staff=True)
    path = reverse("admin:curation_job_changelist") if console else reverse("job_again", args=[failed.pk])
    choice = {"action": "again", "_selected_action": [failed.pk]} if console else {}
    moody.status = 401
    told = approver.post(path, choice, follow=True).content.decode()
    assert "Nothing was started. The teacher refuses the key" in told
    assert not Job.objects.exclude(pk=failed.pk).exists()
    moody.status = 200
    assert "it waits for a worker again" in approver.post(path, choice, follow=True).content.decode()
    assert Job.objects.exclude(pk=failed.pk).get().parameters == failed.parameters


@pytest.mark.parametrize(("status", "sentence"), [(401, "refuses the key"), (404, "not a chat completions API")])
def test_a_wrong_key_or_path_is_told_at_once_and_nothing_starts(
    application: Application, approver: Client, moody: MoodyTeacher, status: int, sentence: str
) -> None:
    make_query(application, "play Can", answered=False)
    moody.status = status
    shown = approver.post("/labelling/start/", {"scope": "unanswered"}).content.decode()
    assert sentence in shown
    assert not Job.objects.exists()


def test_a_wrong_model_is_told_at_once_and_nothing_starts(
    application: Application, approver: Client, moody: MoodyTeacher
) -> None:
    make_query(application, "play Can", answered=False)
    moody.model = "large-3"
    Teacher.objects.update(model="large-33")
    shown = approver.post("/labelling/start/", {"scope": "unanswered"}).content.decode()
    assert "does not know the model &#x27;large-33&#x27;: No such model." in shown
    assert not Job.objects.exists()


def test_what_does_not_fit_is_told_beside_its_field(
    application: Application, approver: Client, moody: MoodyTeacher
) -> None:
    make_query(application, "play Can", answered=False)
    shown = approver.post("/labelling/start/", {"limit": "0", "scope": "nonsense"}).content.decode()
    assert "greater than or equal to 1" in shown
    assert "nonsense is not one of the available choices" in shown
    assert not Job.objects.exists()
    assert approver.get("/labelling/?limit=x&cluster=y&scope=z").status_code == 200


def test_a_cluster_can_be_asked_about_again(application: Application, approver: Client, moody: MoodyTeacher) -> None:
    inside = make_query(application, "play Can", minute=1)
    make_query(application, "play Blur", minute=2)
    cluster = make_cluster(make_clustering(application), "play {artist}", [inside])
    shown = page(approver, f"?scope=again&cluster={cluster.pk}")
    assert "play {artist}" in shown
    assert "1 query" in shown and "3 answers each: 3 requests" in shown


def test_what_has_no_usable_answer_is_listed_with_the_reason(
    application: Application, approver: Client, moody: MoodyTeacher
) -> None:
    query = make_query(application, "play something rude", answered=False)
    unusable_record(query=query, reason="The teacher answered with status 400: content policy")
    shown = page(approver)
    assert f"/traffic/{query.pk}/" in shown
    assert "content policy" in shown


def test_a_viewer_sees_the_page_and_no_button(
    application: Application, client_of: dict[str, Client], moody: MoodyTeacher
) -> None:
    make_query(application, "play Can", answered=False)
    shown = page(client_of["viewer"])
    assert "1 query" in shown
    assert "Start <kbd>" not in shown
    assert "Approvers have the teacher asked." in shown
    assert "Approvers have the teacher asked." not in page(client_of["approver"])
