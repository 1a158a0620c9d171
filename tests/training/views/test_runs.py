from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from curation.models.jobs import JobState, Trigger
from curation.services.jobs import BROKER_AWAY
from curation.services.jobs.recovery import PROCESS_DIED
from tests.training.learned import make_run
from training.models import Dataset, DistillationRun, Evaluation, Student
from training.services.runs import settings_of

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
    assert "hx-preserve" in going_on, "the chart stays where it is and takes up the new points"
    assert 'hx-trigger="every 1s"' in going_on and "25%" in going_on and "epoch 2" in going_on
    run.job.state = JobState.FAILED
    run.job.message = "The dataset has no calibration examples."
    run.job.save()
    ended = client_of["viewer"].get(address, headers=HTMX).content.decode()
    assert "every 1s" not in ended
    assert "The dataset has no calibration examples." in ended


def test_a_waiting_run_says_what_it_waits_for(client_of: dict[str, Client], dataset: Dataset) -> None:
    run = make_run(dataset, JobState.QUEUED)
    address = reverse("run", args=[run.pk])
    assert "It waits for the trainer, which does one" in client_of["viewer"].get(address).content.decode()
    for why in (BROKER_AWAY, PROCESS_DIED):
        run.job.message = why
        run.job.save()
        page = client_of["viewer"].get(address).content.decode()
        assert why in page and "It waits for the trainer" not in page


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.FAILED])
def test_the_memory_that_a_run_takes_is_shown_before_there_is_a_student(
    state: JobState, client_of: dict[str, Client], dataset: Dataset
) -> None:
    run = make_run(dataset, state)
    address = reverse("run", args=[run.pk])
    assert "Peak memory" not in client_of["viewer"].get(address).content.decode()
    run.curve[0] |= {"peak_memory_mb": 1234.4, "peak_gpu_memory_mb": 5678.4}
    run.curve[1] |= {"peak_memory_mb": 987.0, "peak_gpu_memory_mb": 654.0}
    run.save()
    page = client_of["viewer"].get(address).content.decode()
    assert '<span class="value">1234</span>' in page and '<span class="value">5678</span>' in page


def test_of_a_run_with_a_student_the_memory_is_what_the_student_says(
    client_of: dict[str, Client], student: Student
) -> None:
    run_page, student_page = reverse("run", args=[student.run_id]), reverse("student", args=[student.pk])
    for address in (run_page, student_page):
        assert "500" in (page := client_of["viewer"].get(address).content.decode()) and "GPU" not in page
    student.report["peak_gpu_memory_mb"] = 5678.4
    student.save()
    assert "Peak GPU memory" in client_of["viewer"].get(run_page).content.decode()
    assert "500 MB of memory and 5678 MB of a GPU at its peak" in client_of["viewer"].get(student_page).content.decode()


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


def test_a_running_run_is_asked_to_stop_and_says_so(client_of: dict[str, Client], dataset: Dataset) -> None:
    run = make_run(dataset, JobState.RUNNING)
    page = client_of["approver"].post(reverse("run_cancel", args=[run.pk]), follow=True).content.decode()
    assert "it does so within seconds" in page and "Asked to stop" in page


def test_an_ended_run_leads_to_its_student_and_its_evaluation(
    client_of: dict[str, Client], student: Student, evaluation: Evaluation
) -> None:
    page = client_of["viewer"].get(reverse("run", args=[student.run_id]), headers=HTMX).content.decode()
    assert reverse("student", args=[student.pk]) in page and reverse("evaluation", args=[evaluation.pk]) in page


def test_a_stopped_run_is_resumed_with_a_button(client_of: dict[str, Client], dataset: Dataset) -> None:
    run = make_run(dataset, JobState.CANCELLED)
    run.config = settings_of("encoder", {"epochs": 5}).as_json()
    run.save()
    address, resume = (reverse(name, args=[run.pk]) for name in ("run", "run_resume"))
    assert resume in client_of["approver"].get(address).content.decode()
    assert resume not in client_of["viewer"].get(address).content.decode()
    answer = client_of["approver"].post(resume)
    resumed = DistillationRun.objects.latest("pk")
    assert answer["location"] == reverse("run", args=[resumed.pk])
    assert f"Run {resumed.pk} went on from here" in client_of["approver"].get(address).content.decode()
    assert "It goes on with" in client_of["viewer"].get(answer["location"]).content.decode()
    again = client_of["approver"].post(resume, follow=True).content.decode()
    assert f"Run {resumed.pk} went on from run {run.pk} already" in again


def test_a_run_that_is_done_has_nothing_to_resume(client_of: dict[str, Client], student: Student) -> None:
    resume = reverse("run_resume", args=[student.run_id])
    page = client_of["approver"].post(resume, follow=True).content.decode()
    assert "has made its student" in page and f'action="{resume}"' not in page


def test_a_run_started_again_says_what_differs(client_of: dict[str, Client], dataset: Dataset) -> None:
    client_of["approver"].post(reverse("run_start"), {"layers": 2})
    first = DistillationRun.objects.get()
    settings = {"from": first.pk, "layers": 1, "dataset": dataset.pk, "seed": 0}
    live = client_of["approver"].get(reverse("run_start"), settings, headers=HTMX).content.decode()
    assert "<html" not in live and "Layers: 2 → <strong>1</strong>" in live and "Seed" not in live
    client_of["approver"].post(reverse("run_start"), settings)
    second = DistillationRun.objects.latest("pk")
    assert second.based_on == first
    page = client_of["viewer"].get(reverse("run", args=[second.pk])).content.decode()
    assert "Layers: 2 → <strong>1</strong>" in page


def test_a_repeat_without_changes_is_told(client_of: dict[str, Client], dataset: Dataset) -> None:
    client_of["approver"].post(reverse("run_start"))
    run = DistillationRun.objects.get()
    live = client_of["approver"].get(reverse("run_start"), {"from": run.pk}, headers=HTMX).content.decode()
    assert "Nothing differs from it" in live


def test_the_whole_log_is_there_as_text(client_of: dict[str, Client], dataset: Dataset) -> None:
    run = make_run(dataset)
    answer = client_of["viewer"].get(reverse("run_log", args=[run.pk]))
    assert (answer["Content-Type"], answer.content) == ("text/plain; charset=utf-8", b"epoch 1\nepoch 2")


def test_the_list_is_narrowed_to_a_dataset(client_of: dict[str, Client], dataset: Dataset, draft: Dataset) -> None:
    run = make_run(dataset)
    make_run(draft)
    answer = client_of["viewer"].get(reverse("runs"), {"dataset": dataset.pk})
    assert [row.pk for row, _ in answer.context["rows"]] == [run.pk]


def test_the_list_asks_for_itself_while_a_run_is_under_way(client_of: dict[str, Client], dataset: Dataset) -> None:
    run = make_run(dataset, JobState.RUNNING)
    assert "every 2s" in client_of["viewer"].get(reverse("runs")).content.decode()
    run.job.state = JobState.DONE
    run.job.save()
    assert "every 2s" not in client_of["viewer"].get(reverse("runs"), headers=HTMX).content.decode()
