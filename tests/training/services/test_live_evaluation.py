"""Evaluations on live traffic: what they look at, and what got worse."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from curation.errors import OdiaError
from curation.models import Application, Job, Query
from curation.models.jobs import JobKind, JobState, Trigger
from tests.training.inline import audit_share_set
from tests.training.learned import make_student
from tests.training.live import ALARMS, PLAYS, TALK, Pupil, arrive, ids_by_chance, learned_yesterday, serve
from training import tasks
from training.models import Alias, Evaluation, Student
from training.models.datasets import ExampleRoute
from training.selectors.job_links import made_by
from training.selectors.students import evaluation_under_way
from training.services import evaluations
from training.services.evaluations import evaluate_student
from training.services.live_drawing import live_counts
from training.services.live_evaluation import evaluate_live
from training.services.policies import policy_of
from training.starting import job_again

EVERYTHING = [*PLAYS, *ALARMS, *TALK]


def nothing(phase: str, fraction: float, message: str = "") -> None:
    """Where it is, nobody asks."""


def look(*students: Student, days: int = 7) -> list[Evaluation]:
    now = timezone.now()
    return evaluate_live(students=students, window_from=now - timedelta(days=days), window_to=now, report=nothing)


def texts_of(evaluation: Evaluation) -> set[str]:
    return set(evaluation.examples.values_list("text", flat=True))


def audit_share(application: Application, share: float) -> None:
    policy = policy_of(application)
    policy.audit_share = share
    policy.save()


def functions_worse(evaluation: Evaluation) -> list[str]:
    return [row["function"] for row in evaluation.regressions]


@pytest.fixture
def champion(application: Application, monkeypatch: pytest.MonkeyPatch) -> Student:
    champion = learned_yesterday(application)
    serve(monkeypatch, {champion: Pupil()})
    return champion


@pytest.fixture
def challenger(champion: Student, monkeypatch: pytest.MonkeyPatch) -> Student:
    return beside(champion, Pupil(), monkeypatch)


def beside(champion: Student, pupil: Pupil, monkeypatch: pytest.MonkeyPatch) -> Student:
    challenger = make_student(champion.dataset)
    serve(monkeypatch, {champion: Pupil(), challenger: pupil})
    return challenger


# What is looked at


def test_both_are_held_against_the_same_queries_of_all_kinds(champion: Student, challenger: Student) -> None:
    arrive(champion, EVERYTHING)
    ours, theirs = look(champion, challenger)
    assert (ours.student, theirs.student) == (champion, challenger)
    assert ours.dataset is None and (ours.window_from, ours.window_to) == (theirs.window_from, theirs.window_to)
    assert texts_of(ours) == texts_of(theirs) == set(EVERYTHING)
    assert ours.figures["coverage"] == pytest.approx(70 / 80), "of all traffic: what calls nothing is refused"
    assert ours.examples.filter(route=ExampleRoute.NO_CALL).count() == len(TALK)


def test_repeats_count_by_how_often_they_came(champion: Student) -> None:
    arrive(champion, [*EVERYTHING, PLAYS[0], PLAYS[0].upper()])
    [evaluation] = look(champion)
    assert evaluation.examples.get(function="play_music", weight=3).text.lower() == PLAYS[0]
    assert evaluation.examples.count() == len(EVERYTHING)


def test_of_what_students_met_only_what_chance_picks_counts_and_stands_for_the_rest(champion: Student) -> None:
    audit_share(champion.application, 0.25)
    arrive(champion, TALK)
    arrive(champion, PLAYS, ids=ids_by_chance(40, below=0.25), route="student")
    arrive(champion, ["play it unaudited"], ids=ids_by_chance(1, above=0.25), route="student", answered=False)
    arrive(champion, ALARMS, ids=ids_by_chance(30, above=0.25), route="fallback")
    [evaluation] = look(champion)
    assert texts_of(evaluation) == {*PLAYS, *TALK}
    weights = dict(evaluation.examples.values_list("function", "weight").distinct())
    assert weights == {"play_music": 4, "": 1}
    assert evaluation.figures["coverage"] == pytest.approx(160 / 170)


def test_what_came_before_the_share_was_raised_goes_by_the_share_of_then(
    champion: Student, users: dict[str, User]
) -> None:
    audit_share(champion.application, 0.25)
    arrive(champion, TALK)
    arrive(champion, PLAYS, ids=ids_by_chance(40, below=0.25), route="student")
    arrive(champion, ["play it unaudited"], ids=ids_by_chance(1, above=0.25), route="student", answered=False)
    arrive(champion, ALARMS, ids=ids_by_chance(30, above=0.25), route="fallback")
    audit_share_set(champion.application, 1.0, users["administrator"])
    [evaluation] = look(champion)
    assert texts_of(evaluation) == {*PLAYS, *TALK}
    assert dict(evaluation.examples.values_list("function", "weight").distinct()) == {"play_music": 4, "": 1}


def test_where_the_teacher_has_answered_everything_all_counts(champion: Student) -> None:
    audit_share(champion.application, 0.0)
    arrive(champion, [*PLAYS, *TALK], route="student")
    [evaluation] = look(champion)
    assert texts_of(evaluation) == {*PLAYS, *TALK}
    assert set(evaluation.examples.values_list("weight", flat=True)) == {1}


def test_what_a_student_may_have_learned_from_is_not_looked_at(champion: Student) -> None:
    arrive(champion, [f"play old song {number}" for number in range(60)], at=timezone.now() - timedelta(days=2))
    arrive(champion, EVERYTHING)
    [evaluation] = look(champion)
    assert texts_of(evaluation) == set(EVERYTHING)
    assert evaluation.window_from == champion.dataset.created_at


def test_what_people_excluded_and_other_windows_are_not_looked_at(champion: Student) -> None:
    Query.objects.filter(pk__in=arrive(champion, ["play out of scope"])).update(excluded=True)
    arrive(champion, EVERYTHING)
    begin = timezone.now()
    arrive(champion, ["play what comes later"], at=begin)
    window_from = begin - timedelta(days=7)
    [evaluation] = evaluate_live(students=[champion], window_from=window_from, window_to=begin, report=nothing)
    assert texts_of(evaluation) == set(EVERYTHING)


def test_of_many_queries_the_newest_are_looked_at(champion: Student, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.services.live_drawing.MOST_QUERIES", 50)
    keys = arrive(champion, EVERYTHING)
    [evaluation] = look(champion)
    assert set(evaluation.examples.values_list("query_id", flat=True)) == set(keys[-50:])
    assert evaluation.window_from is not None and evaluation.window_from > champion.dataset.created_at


def test_too_few_queries_are_told_with_what_to_do(champion: Student) -> None:
    arrive(champion, TALK)
    with pytest.raises(OdiaError, match=r"Only 10 answered queries since dataset 1 was built.*raise the audit share"):
        look(champion)
    with pytest.raises(OdiaError, match="Only 0 answered queries in this window"):
        look(champion, days=0)
    assert not Evaluation.objects.exists()


def test_nothing_is_kept_where_one_of_the_two_cannot_be_loaded(
    champion: Student, challenger: Student, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(student: Student) -> Pupil:
        if student == challenger:
            raise OdiaError("Its artifact is gone.")
        return Pupil()

    monkeypatch.setattr(evaluations, "serve", load)
    arrive(champion, EVERYTHING)
    with pytest.raises(OdiaError, match="Its artifact is gone"):
        look(champion, challenger)
    assert not Evaluation.objects.exists()


# What got worse


def test_a_challenger_that_is_worse_at_one_function_is_flagged_there(
    champion: Student, monkeypatch: pytest.MonkeyPatch
) -> None:
    challenger = beside(champion, Pupil(bad_at="set_alarm"), monkeypatch)
    arrive(champion, EVERYTHING)
    ours, theirs = look(champion, challenger)
    assert functions_worse(theirs) == ["set_alarm"] and functions_worse(ours) == []
    [row] = theirs.regressions
    assert row["against"] == champion.version and row["chance"] < 0.001
    assert row["sentence"] == "30 of 30 queries answered wrongly inline, 0 by the champion."


def test_of_equals_none_is_flagged_and_neither_is_who_is_better(
    champion: Student, monkeypatch: pytest.MonkeyPatch
) -> None:
    challenger = make_student(champion.dataset)
    arrive(champion, EVERYTHING)
    for bad_at in ("set_alarm", ""):
        serve(monkeypatch, {champion: Pupil("set_alarm"), challenger: Pupil(bad_at)})
        assert [functions_worse(one) for one in look(champion, challenger)] == [[], []]


def test_what_the_gate_holds_back_makes_nothing_worse(champion: Student, monkeypatch: pytest.MonkeyPatch) -> None:
    challenger = beside(champion, Pupil(bad_at="set_alarm"), monkeypatch)
    Student.objects.filter(pk=challenger.pk).update(threshold=0.99)
    arrive(champion, EVERYTHING)
    assert functions_worse(look(champion, Student.objects.get(pk=challenger.pk))[1]) == []


def test_a_champion_that_does_worse_than_on_its_own_test_split_is_flagged(
    champion: Student, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = evaluate_student(student=champion, report=nothing)
    arrive(champion, EVERYTHING)
    assert [functions_worse(one) for one in look(champion)] == [[]]
    serve(monkeypatch, {champion: Pupil(bad_at="play_music")})
    [evaluation] = look(champion)
    assert functions_worse(evaluation) == ["play_music"]
    [row] = evaluation.regressions
    assert row["against"] == "dataset 1"
    assert row["sentence"] == f"40 of 40 inline answers are wrong, 0 of {own.examples.count()} on its test split."


@pytest.mark.parametrize("champion_first", [True, False])
def test_on_a_dataset_the_two_are_compared_whichever_is_evaluated_first(
    champion_first: bool, champion: Student, monkeypatch: pytest.MonkeyPatch
) -> None:
    challenger = beside(champion, Pupil(bad_at="play_music"), monkeypatch)
    Alias.objects.create(application=champion.application, name="champion", student=champion)
    order: Sequence[Student] = (champion, challenger) if champion_first else (challenger, champion)
    for student in order:
        evaluate_student(student=student, report=nothing)
    assert functions_worse(challenger.evaluations.get()) == ["play_music"]
    assert functions_worse(champion.evaluations.get()) == []


# The job


def test_a_job_holds_champion_and_challenger_against_the_traffic_before_it(
    champion: Student, challenger: Student, django_capture_on_commit_callbacks
) -> None:
    application = champion.application
    for name, student in (("challenger", challenger), ("champion", champion)):
        Alias.objects.create(application=application, name=name, student=student)
    arrive(champion, EVERYTHING)
    with django_capture_on_commit_callbacks():
        tasks.evaluate_scheduled(application.pk)
        tasks.evaluate_scheduled(application.pk)
    job = Job.objects.get(kind=JobKind.EVALUATE)
    assert (job.kind, job.trigger) == (JobKind.EVALUATE, Trigger.SCHEDULE)
    assert job.parameters == {"students": [champion.pk, challenger.pk], "days": 7}
    assert evaluation_under_way(champion) == evaluation_under_way(challenger) == job
    tasks.evaluate(job.pk)
    job.refresh_from_db()
    assert job.state == JobState.DONE
    assert set(Evaluation.objects.values_list("window_to", flat=True)) == {job.created_at}
    made = [(one.page, one.key) for one in made_by([job])[job.pk]]
    students = [("student", student.pk) for student in (champion, challenger)]
    assert made == [*students, *(("evaluation", pk) for pk in job.result["evaluations"])]
    assert [Evaluation.objects.get(pk=pk).student for pk in job.result["evaluations"]] == [champion, challenger]


def test_a_job_that_failed_is_repeated_with_the_same_students_and_days(
    champion: Student, django_capture_on_commit_callbacks
) -> None:
    Alias.objects.create(application=champion.application, name="champion", student=champion)
    arrive(champion, EVERYTHING)
    with django_capture_on_commit_callbacks():
        failed = tasks.start_live_evaluation(application=champion.application, trigger=Trigger.PAGE, days=14)
    Query.objects.update(excluded=True)
    tasks.evaluate(failed.pk)
    failed.refresh_from_db()
    assert failed.state == JobState.FAILED and "Only 0 answered queries" in failed.message
    with django_capture_on_commit_callbacks() as queued:
        job_again(job=failed, trigger=Trigger.PAGE)
    job = Job.objects.filter(kind=JobKind.EVALUATE).latest("pk")
    assert len(queued) == 1 and job != failed
    assert (job.task, job.parameters) == ("training.tasks.evaluate", {"students": [champion.pk], "days": 14})


def test_no_job_starts_that_could_only_fail(champion: Student) -> None:
    """What is counted is what a student may be asked: without earlier turns, and not excluded."""
    application = champion.application
    Alias.objects.create(application=application, name="champion", student=champion)
    keys = arrive(champion, EVERYTHING)
    Query.objects.filter(pk__in=keys[:20]).update(context=[{"role": "user", "content": "hello"}])
    Query.objects.filter(pk__in=keys[20:40]).update(excluded=True)
    with pytest.raises(OdiaError, match=r"Only 40 answered queries .* and 50 are needed"):
        tasks.start_live_evaluation(application=application, trigger=Trigger.PAGE)
    assert live_counts([champion]).by_days[7] == 40
    Query.objects.filter(pk__in=keys[30:40]).update(excluded=False)
    tasks.start_live_evaluation(application=application, trigger=Trigger.PAGE)


def test_without_a_student_on_the_traffic_there_is_nothing_to_start(application: Application) -> None:
    with pytest.raises(OdiaError, match="neither a champion nor a challenger"):
        tasks.start_live_evaluation(application=application, trigger=Trigger.PAGE)
    assert not Job.objects.exists()
    tasks.evaluate_scheduled(application.pk)
    job = Job.objects.get()
    assert (job.state, "neither a champion nor a challenger" in job.message) == (JobState.FAILED, True)
