from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from django.contrib import messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from curation.identifiers import new_id
from curation.models import Application, Job, TrafficHour
from curation.models.jobs import JobKind, JobState, Trigger
from curation.models.traffic import Route, Source
from curation.selectors.histogram import bucket_of
from tests.training.disagreeing import add_example, empty_evaluation, play
from tests.training.learned import make_dataset, make_evaluation, make_student
from tests.training.live import ALARMS, PLAYS, arrive, learned_yesterday
from training.models import Alias, Dataset, Evaluation, Student
from training.selectors import evaluations as selectors
from training.selectors.runs import runs_of

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
    in_force = client_of["viewer"].get(address).context["dial"].reading
    assert (in_force["threshold"], in_force["coverage"]) == ("0.900", "80.0%")
    moved = client_of["viewer"].get(address, {"place": 2}).context["dial"].reading
    assert (moved["threshold"], moved["disagreement"], moved["bound"]) == ("0.500", "6.00%", "8.00%")
    beyond = client_of["viewer"].get(address, {"place": 99}).context["dial"].reading
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


def test_a_champion_that_was_not_measured_here_can_be(
    client_of: dict[str, Client], evaluation: Evaluation, dataset: Dataset, django_capture_on_commit_callbacks
) -> None:
    champion = make_student(make_dataset(dataset.application, ["play Can", "play Blur"]))
    make_evaluation(champion)
    Alias.objects.create(application=dataset.application, name="champion", student=champion)
    page = page_of(client_of["approver"], evaluation)
    assert "was not evaluated on this dataset" in page and "Evaluate the champion on it" in page
    with django_capture_on_commit_callbacks():
        client_of["approver"].post(reverse("evaluation_new", args=[champion.pk]), {"dataset": dataset.pk})
    assert Job.objects.get(kind=JobKind.EVALUATE).parameters == {"student": champion.pk, "dataset": dataset.pk}


@pytest.mark.parametrize("given", ["0", "x", "999999"])
def test_a_dataset_that_is_none_is_not_found(given: str, client_of: dict[str, Client], student: Student) -> None:
    address = reverse("evaluation_new", args=[student.pk])
    assert client_of["approver"].post(address, {"dataset": given}).status_code == 404
    assert not Job.objects.filter(kind=JobKind.EVALUATE).exists()


def test_an_evaluation_on_another_dataset_counts_for_no_check(student: Student, evaluation: Evaluation) -> None:
    elsewhere = make_evaluation(student)
    elsewhere.dataset = make_dataset(student.application, ["play Can", "play Blur"])
    elsewhere.save()
    assert student.latest_evaluation == evaluation


def test_won_and_lost_stand_on_their_page(client_of: dict[str, Client], application: Application) -> None:
    ours = empty_evaluation(application)
    champion = make_student(ours.student.dataset)
    theirs = make_evaluation(champion, disagreements=0)
    Alias.objects.create(application=application, name="champion", student=champion)
    for answers in ((play("can"), play("blur")), (play("blur"), play("can"))):
        query_id = new_id()
        for evaluation, answer in zip((ours, theirs), answers, strict=True):
            add_example(evaluation, play("can"), answer, query_id=query_id)
    assert "neither is ahead" in page_of(client_of["viewer"], ours)
    address = reverse("compared", args=[ours.pk])
    won = client_of["viewer"].get(address)
    lost = client_of["viewer"].get(address, {"side": "lost"})
    assert [row.other.student_call for row in won.context["page"].rows] == [play("blur")]
    assert [row.example.student_call for row in lost.context["page"].rows] == [play("blur")]
    part = client_of["viewer"].get(address, {"side": "lost"}, headers=HTMX).content.decode()
    assert "Right with the champion alone" in part and "<html" not in part


def test_without_a_champion_there_is_nothing_to_compare_with(
    client_of: dict[str, Client], evaluation: Evaluation
) -> None:
    page = client_of["viewer"].get(reverse("compared", args=[evaluation.pk])).content.decode()
    assert "Nothing to compare with" in page


def test_the_histogram_shows_both_and_the_readings_move_it(
    client_of: dict[str, Client], evaluation: Evaluation, application: Application
) -> None:
    TrafficHour.objects.create(
        application=application,
        hour=timezone.now(),
        route=Route.TEACHER,
        source=Source.IMPORT,
        requests=100,
        latency_sum_ms=100_000,
        latency_counts={str(bucket_of(1000.0)): 100},
    )
    answer = client_of["viewer"].get(reverse("evaluation", args=[evaluation.pk]))
    dial = answer.context["dial"]
    alone, with_odia = dial.latency["data"]
    assert sum(alone["y"]) == pytest.approx(1) and sum(with_odia["y"]) == pytest.approx(1)
    assert with_odia["y"][0] == pytest.approx(0.8)
    assert dial.reading["covered"] == 0.8 and dial.reading["p50"] == "3.00 ms"
    assert [reading["allowed"].split()[0] for reading in dial.readings] == ["Within", "Within", "Its"]


def test_evaluations_are_paged_and_narrowed(
    client_of: dict[str, Client], evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "EVALUATIONS_PER_PAGE", 2)
    more = [make_evaluation(evaluation.student) for _ in range(2)]
    client, address = client_of["viewer"], reverse("evaluations")
    first = client.get(address).context["page"]
    assert first.rows == more[::-1]
    assert client.get(address, {"before": first.before}).context["page"].rows == [evaluation]
    assert client.get(address, {"dataset": evaluation.student.dataset_id + 1}).context["page"].rows == []


def test_the_threshold_in_force_is_a_point_of_the_dial_with_its_very_figures(
    client_of: dict[str, Client], evaluation: Evaluation
) -> None:
    evaluation.threshold = 0.87
    evaluation.figures |= {"coverage": 0.83, "disagreement_inline": 0.0131, "disagreement_inline_upper_bound": 0.0191}
    evaluation.save()
    dial = client_of["viewer"].get(reverse("evaluation", args=[evaluation.pk])).context["dial"]
    assert (dial.place, dial.certified, dial.last_place) == (2, 2, 3)
    assert (dial.reading["threshold"], dial.reading["coverage"], dial.reading["bound"]) == ("0.870", "83.0%", "1.91%")


# On live traffic


@pytest.fixture
def live(evaluation: Evaluation) -> Evaluation:
    """The evaluation, as one on live traffic where one function got worse."""
    evaluation.dataset = None
    evaluation.window_from = datetime(2025, 3, 1, tzinfo=UTC)
    evaluation.window_to = datetime(2025, 3, 8, tzinfo=UTC)
    sentence = "30 of 30 queries answered wrongly inline, 0 by the champion."
    evaluation.regressions = [
        {"function": "play_music", "against": "music-encoder-9", "sentence": sentence, "chance": 0.001}
    ]
    evaluation.save()
    return evaluation


def test_an_evaluation_on_live_traffic_names_its_window_and_what_got_worse(
    client_of: dict[str, Client], live: Evaluation
) -> None:
    page = page_of(client_of["approver"], live)
    assert "on live traffic" in page and "1 Mar 2025" in page and "8 Mar 2025" in page
    assert "compared with music-encoder-9: 30 of 30 queries answered wrongly inline" in page
    assert page.count("</span>worse</span>") == 1, "the function is marked in words"
    for name, address in (
        ("evaluations", reverse("evaluations")),
        ("student", reverse("student", args=[live.student_id])),
    ):
        listed = client_of["viewer"].get(address).content.decode()
        assert "8 Mar 2025" in listed and "worse at 1 function" in listed, name
    for name in ("compared", "verdicts"):
        assert client_of["viewer"].get(reverse(name, args=[live.pk])).status_code == 200


def test_the_champion_of_the_same_window_stands_beside_it(client_of: dict[str, Client], live: Evaluation) -> None:
    champion = make_student(make_dataset(live.student.application, ["play Can", "play Blur"]))
    Alias.objects.create(application=live.student.application, name="champion", student=champion)
    theirs = make_evaluation(champion)
    window = {"dataset": None, "window_from": live.window_from, "window_to": live.window_to}
    Evaluation.objects.filter(pk=theirs.pk).update(**{**window, "window_to": timezone.now()})
    assert "was not evaluated on the queries of this window" in page_of(client_of["viewer"], live)
    Evaluation.objects.filter(pk=theirs.pk).update(**window)
    assert "Beside the champion" in page_of(client_of["viewer"], live)
    compared = client_of["viewer"].get(reverse("compared", args=[live.pk])).content.decode()
    assert "the live traffic of" in compared and "8 Mar 2025" in compared


def test_live_traffic_is_evaluated_from_the_list_which_says_how_much_there_is(
    client_of: dict[str, Client], application: Application, django_capture_on_commit_callbacks
) -> None:
    champion = learned_yesterday(application)
    page = client_of["approver"].get(reverse("evaluations")).content.decode()
    assert "evaluations/live" not in page and "No student meets the traffic" in page
    Alias.objects.create(application=application, name="champion", student=champion)
    arrive(champion, PLAYS)
    few = client_of["approver"].post(reverse("evaluation_live"), {"days": "14"}, follow=True).content.decode()
    assert f"Only {len(PLAYS)} answered queries" in few and f"the last 7 days ({len(PLAYS)} queries)" in few
    arrive(champion, ALARMS)
    others = client_of["reviewer"].get(reverse("evaluations")).content.decode()
    assert "evaluations/live" not in others and "Approvers start this." in others
    with django_capture_on_commit_callbacks() as queued:
        client_of["approver"].post(reverse("evaluation_live"), {"days": "14"})
        twice = client_of["approver"].post(reverse("evaluation_live"), {"days": "14"}, follow=True)
    job = Job.objects.get(kind=JobKind.EVALUATE)
    assert job.parameters == {"students": [champion.pk], "days": 14}
    assert len(queued) == 1 and "under way already" in twice.content.decode()


def test_the_list_tells_how_far_an_evaluation_on_live_traffic_is_and_why_it_failed(
    client_of: dict[str, Client], application: Application, student: Student
) -> None:
    def page() -> str:
        return client_of["viewer"].get(reverse("evaluations")).content.decode()

    values = {"application": application, "kind": JobKind.EVALUATE, "trigger": Trigger.PAGE}
    Job.objects.create(**values, parameters={"student": student.pk})
    assert "every 2s" not in page(), "an evaluation on a dataset is told of on the page of its student"
    job = Job.objects.create(**values, parameters={"students": [student.pk], "days": 7})
    address = reverse("job_under_way", args=[job.pk])
    assert f'hx-get="{address}" hx-trigger="every 2s"' in page()
    assert client_of["viewer"].get(address).status_code == 200
    Job.objects.filter(pk=job.pk).update(state=JobState.FAILED, message="There is too little traffic.")
    assert client_of["viewer"].get(address)["HX-Refresh"] == "true"
    assert "failed last time: There is too little traffic." in page() and address not in page()


@pytest.mark.parametrize("days", ["", "x", "0", "-1", "99999999999999999999"])
def test_days_that_cannot_be_chosen_are_told(days: str, client_of: dict[str, Client], application: Application) -> None:
    Alias.objects.create(application=application, name="champion", student=learned_yesterday(application))
    answer = client_of["approver"].post(reverse("evaluation_live"), {"days": days}, follow=True)
    assert "Choose of how many days the traffic is: 1, 7, 14 or 30." in answer.content.decode()
    assert not Job.objects.filter(kind=JobKind.EVALUATE).exists()


def test_without_a_champion_live_traffic_is_not_evaluated(
    client_of: dict[str, Client], application: Application
) -> None:
    answer = client_of["approver"].post(reverse("evaluation_live"), {"days": "7"})
    (refused,) = messages.get_messages(answer.wsgi_request)
    assert "neither a champion nor a challenger" in str(refused)
    page = client_of["viewer"].get(reverse("evaluations")).content.decode()
    assert "No student meets the traffic: there is neither a champion nor a challenger" in page


def test_the_figures_of_a_run_are_those_on_its_dataset(evaluation: Evaluation) -> None:
    live = make_evaluation(evaluation.student)
    Evaluation.objects.filter(pk=live.pk).update(dataset=None)
    rows = runs_of(evaluation.student.application).filter(student=evaluation.student)
    assert [row.evaluation_id for row in rows] == [evaluation.pk]  # type: ignore[attr-defined]
    assert evaluation.student.latest_evaluation == evaluation
