from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from curation.models.jobs import JobState
from curation.services.applications import application_ensure
from tests.training.learned import make_dataset, make_run
from training.models import Dataset, Evaluation, Student
from training.selectors.run_comparison import MOST_RUNS


def test_runs_stand_side_by_side(
    client_of: dict[str, Client], student: Student, evaluation: Evaluation, dataset: Dataset
) -> None:
    other = make_run(dataset, JobState.FAILED)
    other.config = {**other.config, "layers": 1}
    other.save()
    answer = client_of["viewer"].get(reverse("run_compare"), {"runs": f"{student.run_id},{other.pk}"})
    page = answer.content.decode()
    assert [setting.name for setting in answer.context["differing"]] == ["layers"]
    assert "80.00%" in page and "14.0 MB" in page and reverse("evaluation", args=[evaluation.pk]) in page
    assert len(answer.context["figure"]["data"]) == 4


def test_the_ticks_of_the_list_lead_to_the_comparison(client_of: dict[str, Client], dataset: Dataset) -> None:
    answer = client_of["viewer"].get(reverse("run_compare"), {"run": ["9", "3", "x"]})
    assert answer["location"] == f"{reverse('run_compare')}?runs=3,9"


@pytest.mark.parametrize("wanted", [{}, {"runs": ""}, {"runs": "1,x"}, {"runs": "9" * 40}])
def test_too_few_are_told(wanted: dict[str, str], client_of: dict[str, Client], dataset: Dataset) -> None:
    page = client_of["viewer"].get(reverse("run_compare"), wanted, follow=True).content.decode()
    assert f"Tick two to {MOST_RUNS} runs to compare them." in page


def test_too_many_are_cut_and_told(client_of: dict[str, Client], dataset: Dataset) -> None:
    runs = [make_run(dataset) for _ in range(MOST_RUNS + 2)]
    answer = client_of["viewer"].get(reverse("run_compare"), {"runs": ",".join(str(run.pk) for run in runs)})
    assert len(answer.context["runs"]) == MOST_RUNS
    assert "2 more are left out" in answer.content.decode()


def test_runs_of_another_application_are_not_compared(client_of: dict[str, Client], dataset: Dataset) -> None:
    own = make_run(dataset)
    foreign = make_run(make_dataset(application_ensure(slug="another"), ["hello"]))
    answer = client_of["viewer"].get(reverse("run_compare"), {"runs": f"{own.pk},{foreign.pk}"})
    assert answer["location"] == reverse("runs")
