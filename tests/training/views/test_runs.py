from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from curation.models.jobs import JobState, Trigger
from tests.training.learned import make_run
from training.models import Dataset, DistillationRun, Student

HTMX = {"HX-Request": "true"}


def test_a_run_starts_with_nothing_filled_in(
    client_of: dict[str, Client], dataset: Dataset, draft: Dataset, django_capture_on_commit_callbacks
) -> None:
    with django_capture_on_commit_callbacks() as queued:
        answer = client_of["approver"].post(reverse("run_start"))
    run = DistillationRun.objects.get()
    assert answer["location"] == reverse("run", args=[run.pk])
    assert run.dataset == dataset
    assert (run.job.state, run.job.trigger, str(run.job.started_by)) == (
        JobState.QUEUED,
        Trigger.PAGE,
        "approver",
    )
    assert len(queued) == 1


def test_settings_of_a_run_are_kept_and_come_back_in_the_form(client_of: dict[str, Client], dataset: Dataset) -> None:
    client_of["approver"].post(reverse("run_start"), {"layers": 2, "epochs": 5})
    run = DistillationRun.objects.get()
    assert (run.config["layers"], run.config["epochs"]) == (2, 5)
    form = client_of["approver"].get(reverse("run_start"), {"from": run.pk}).context["form"]
    assert (form["layers"].value(), form["epochs"].value(), form["dataset"].value()) == (2, 5, dataset.pk)


def test_a_run_of_the_causal_family_keeps_its_base_model(client_of: dict[str, Client], dataset: Dataset) -> None:
    client_of["approver"].post(reverse("run_start"), {"family": "causal", "base": "models/small", "epochs": 2})
    run = DistillationRun.objects.get()
    assert (run.family, run.config["base"], run.config["epochs"]) == ("causal", "models/small", 2)
    form = client_of["approver"].get(reverse("run_start"), {"from": run.pk}).context["form"]
    assert (form["family"].value(), form["base"].value()) == ("causal", "models/small")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [({}, "A causal student needs a base model."), ({"base": "small", "layers": 2}, "Only of an encoder can layers")],
)
def test_what_a_causal_run_lacks_is_said_in_place(
    settings: dict[str, object], sentence: str, client_of: dict[str, Client], dataset: Dataset
) -> None:
    answer = client_of["approver"].post(reverse("run_start"), {"family": "causal", **settings})
    assert sentence in answer.content.decode()
    assert not DistillationRun.objects.exists()


@pytest.mark.parametrize(("field", "value"), [("layers", 7), ("layers", 0), ("epochs", 101), ("seed", -1)])
def test_a_setting_out_of_its_limits_is_refused_in_place(
    field: str, value: int, client_of: dict[str, Client], dataset: Dataset
) -> None:
    answer = client_of["approver"].post(reverse("run_start"), {field: value})
    assert answer.status_code == 200
    assert "Ensure this value is" in answer.content.decode()
    assert not DistillationRun.objects.exists()


def test_without_an_approved_dataset_the_form_says_what_to_do(client_of: dict[str, Client], draft: Dataset) -> None:
    answer = client_of["approver"].post(reverse("run_start"))
    assert "No dataset is approved yet" in answer.content.decode()


def test_the_same_run_twice_is_told_in_a_sentence(client_of: dict[str, Client], dataset: Dataset) -> None:
    client_of["approver"].post(reverse("run_start"))
    answer = client_of["approver"].post(reverse("run_start"))
    assert "under way already" in answer.content.decode()
    assert DistillationRun.objects.count() == 1


def test_progress_is_asked_for_while_the_run_goes_on_and_no_longer(
    client_of: dict[str, Client], dataset: Dataset
) -> None:
    run = make_run(dataset, JobState.RUNNING, progress=0.25, phase="training")
    address = reverse("run", args=[run.pk])
    going_on = client_of["viewer"].get(address, headers=HTMX).content.decode()
    assert "<html" not in going_on
    assert 'hx-trigger="every 2s"' in going_on and "25%" in going_on and "epoch 2" in going_on
    run.job.state = JobState.FAILED
    run.job.message = "The dataset has no calibration examples."
    run.job.save()
    ended = client_of["viewer"].get(address, headers=HTMX).content.decode()
    assert "every 2s" not in ended
    assert "The dataset has no calibration examples." in ended


def test_a_waiting_run_is_cancelled(client_of: dict[str, Client], dataset: Dataset) -> None:
    run = make_run(dataset, JobState.QUEUED)
    client_of["approver"].post(reverse("run_cancel", args=[run.pk]))
    run.job.refresh_from_db()
    assert run.job.state == JobState.CANCELLED


def test_the_list_compares_runs_with_and_without_a_student(
    client_of: dict[str, Client], evaluation: object, student: Student, dataset: Dataset
) -> None:
    make_run(dataset, JobState.FAILED)
    page = client_of["viewer"].get(reverse("runs")).content.decode()
    assert student.version in page and "80.0%" in page and "1.25%" in page
    assert "Failed" in page
