from __future__ import annotations

import json
import re

from django.test import Client
from django.urls import reverse

from curation.models import Job
from curation.models.jobs import JobKind, JobState
from tests.training.learned import make_evaluation, make_student
from training.models import Alias, Dataset, Evaluation, Student

HTMX = {"HX-Request": "true"}


def page_of(client: Client, evaluation: Evaluation, **query: str | int) -> str:
    return client.get(reverse("evaluation", args=[evaluation.pk]), query).content.decode()


def test_the_figures_stand_on_the_page(client_of: dict[str, Client], evaluation: Evaluation) -> None:
    page = page_of(client_of["viewer"], evaluation)
    for shown in ("80.0%", "1.25%", "1.90%", "1.00%", "90.0%", "95.0%", "3.00 ms"):
        assert shown in page, shown


def test_without_javascript_the_threshold_moves_by_the_form(
    client_of: dict[str, Client], evaluation: Evaluation
) -> None:
    address = reverse("evaluation", args=[evaluation.pk])
    in_force = client_of["viewer"].get(address).context["reading"]
    assert (in_force["threshold"], in_force["coverage"]) == ("0.900", "80.0%")
    moved = client_of["viewer"].get(address, {"place": 2}).context["reading"]
    assert (moved["threshold"], moved["disagreement"], moved["bound"]) == ("0.500", "6.00%", "8.00%")
    beyond = client_of["viewer"].get(address, {"place": 99}).context["reading"]
    assert beyond == moved


def test_the_script_gets_a_reading_for_every_point(client_of: dict[str, Client], evaluation: Evaluation) -> None:
    page = page_of(client_of["viewer"], evaluation)
    block = re.search(r'<script id="readings" type="application/json">(.*?)</script>', page)
    assert block is not None
    readings = json.loads(block[1])
    assert [reading["coverage"] for reading in readings] == ["40.0%", "80.0%", "95.0%"]


def test_only_what_was_answered_inline_is_listed_at_first(client_of: dict[str, Client], evaluation: Evaluation) -> None:
    address = reverse("evaluation", args=[evaluation.pk])
    texts = {
        served: [row.text for row in client_of["viewer"].get(address, {"served": served}).context["page"].rows]
        for served in ("", "teacher", "all")
    }
    assert texts[""] == ["play number 0", "play number 1"]
    assert texts["teacher"] == ["play what was held back"]
    assert texts["all"] == [*texts[""], *texts["teacher"]]


def test_disagreements_are_filtered_and_continued_without_a_gap(client_of: dict[str, Client], student: Student) -> None:
    evaluation = make_evaluation(student, disagreements=45)
    address = reverse("evaluation", args=[evaluation.pk])
    first = client_of["viewer"].get(address).context["page"]
    rest = client_of["viewer"].get(address, {"after": first.after}).context["page"]
    assert [row.text for row in [*first.rows, *rest.rows]] == [f"play number {place}" for place in range(45)]
    assert rest.after == ""
    found = client_of["viewer"].get(address, {"text": "number 44"}, headers=HTMX).content.decode()
    assert "play number 44" in found and "play number 43" not in found and "<html" not in found
    none = client_of["viewer"].get(address, {"function": "-", "served": "all"}).context["page"]
    assert none.rows == []


def test_the_champion_stands_beside_it_on_the_same_dataset(
    client_of: dict[str, Client], evaluation: Evaluation, dataset: Dataset
) -> None:
    assert "Beside the champion" not in page_of(client_of["viewer"], evaluation)
    champion = make_student(dataset)
    make_evaluation(champion)
    Alias.objects.create(application=dataset.application, name="champion", student=champion)
    page = page_of(client_of["viewer"], evaluation)
    assert "Beside the champion" in page and champion.version in page


def test_evaluating_again_queues_one_job(
    client_of: dict[str, Client], student: Student, django_capture_on_commit_callbacks
) -> None:
    address = reverse("evaluation_new", args=[student.pk])
    with django_capture_on_commit_callbacks() as queued:
        client_of["approver"].post(address)
        twice = client_of["approver"].post(address, follow=True)
    job = Job.objects.get(kind=JobKind.EVALUATE)
    assert (job.state, job.parameters) == (JobState.QUEUED, {"student": student.pk})
    assert len(queued) == 1
    assert "under way already" in twice.content.decode()


def test_a_student_that_refused_everything_has_a_page_too(client_of: dict[str, Client], dataset: Dataset) -> None:
    evaluation = make_evaluation(make_student(dataset, threshold=None))
    evaluation.curve, evaluation.system_latency = [], {}
    evaluation.figures |= {"coverage": 0.0, "disagreement_inline": None, "disagreement_inline_upper_bound": None}
    evaluation.save()
    page = page_of(client_of["viewer"], evaluation)
    assert "there is no curve" in page and "No threshold keeps" in page
