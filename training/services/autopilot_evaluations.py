"""The autopilot's evaluations: which it would start now, and why. Nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.utils import timezone

from curation.models import Job
from curation.models.jobs import JobKind, JobState
from training.models import Student
from training.models.autopilot import AutopilotStep as Step
from training.selectors.autopilot import Facts, Proposal, failed_of_late
from training.selectors.autopilot_trial import LONGEST_TRIAL, Trial, trial_of
from training.services.live_drawing import LEAST_QUERIES, USUAL_DAYS, too_few_live


def evaluate(facts: Facts) -> Iterator[Proposal]:
    """New students, then the champion on their examples; both on live traffic at the end of a trial."""
    if JobKind.EVALUATE in facts.kinds_under_way:
        yield Proposal(step=Step.EVALUATE, sentence="A student is being evaluated.", waiting=True)
        return
    proposals = [*_new_students(facts), *_live_evaluations(facts)]
    yield from proposals or [Proposal(step=Step.EVALUATE, sentence="Every student that needs it is evaluated.")]


def _new_students(facts: Facts) -> Iterator[Proposal]:
    if facts.candidate is not None and facts.evaluation is None:
        yield _first_evaluation(facts, facts.candidate)
    evaluated = facts.candidate if facts.evaluation is not None else None
    students = {student.dataset_id: student for student in (facts.challenger, evaluated) if student is not None}
    for student in students.values():
        if facts.champion is not None and not_compared(facts, student):
            yield _comparison(facts, facts.champion, student)


def _live_evaluations(facts: Facts) -> Iterator[Proposal]:
    trial = trial_of(facts)
    if trial and facts.champion is not None and to_be_seen_live(facts, facts.champion, trial):
        yield _live_evaluation(facts, facts.champion, trial)


def _first_evaluation(facts: Facts, student: Student) -> Proposal:
    place: dict[str, Any] = {"subject": f"student {student.pk}", "page": "student", "key": student.pk}
    failed = _evaluations(facts, student).filter(state__in=(JobState.FAILED, JobState.CANCELLED)).first()
    if failed:
        sentence = f"{student} could not be evaluated: {failed.message} Evaluate it on its page."
        return Proposal(step=Step.EVALUATE, sentence=sentence, asks=True, **place)
    parameters = {"student": student.pk}
    sentence = f"{student} was not evaluated on its own dataset yet."
    return Proposal(step=Step.EVALUATE, sentence=sentence, due=True, on=parameters, **place)


def _comparison(facts: Facts, champion: Student, student: Student) -> Proposal:
    place: dict[str, Any] = {"subject": f"{champion.pk} beside {student.pk}", "page": "student", "key": student.pk}
    dataset = student.dataset
    tried = _evaluations(facts, champion).filter(parameters__dataset=dataset.pk).first()
    if tried:
        sentence = (
            f"{champion} could not be evaluated on dataset {dataset.version}, from which {student} learned: "
            f"{tried.message} Start job {tried.pk} again."
        )
        return Proposal(step=Step.EVALUATE, sentence=sentence, asks=True, **place)
    parameters = {"student": champion.pk, "dataset": dataset.pk}
    sentence = f"{champion} was not evaluated on dataset {dataset.version}, from which {student} learned."
    return Proposal(step=Step.EVALUATE, sentence=sentence, due=True, on=parameters, **place)


def not_compared(facts: Facts, student: Student) -> bool:
    """Whether a champion in service is still to be held against a student's examples."""
    champion = facts.champion
    if champion is None or facts.out_of_service(champion):
        return False
    return not champion.evaluations.filter(dataset=student.dataset_id).exists()


def _live_evaluation(facts: Facts, champion: Student, trial: Trial) -> Proposal:
    place: dict[str, Any] = {"subject": f"live {trial.challenger.pk}", "page": "evaluations"}
    seen = _seen_live(facts, champion, trial)
    if seen is not None and failed_of_late(seen):
        sentence = f"The evaluation on live traffic failed; it is tried again an hour after. {seen.message}".strip()
        lasts = trial.waited_long_enough
        return Proposal(step=Step.EVALUATE, sentence=sentence, waiting=not lasts, asks=lasts, **place)
    sentence = f"{trial.figures} Before it can become champion, both are held against the same live traffic."
    few = _too_few(champion, trial)
    if few is not None:
        sentence = (
            f"{sentence} There are {few} of the {LEAST_QUERIES} queries for that so far: a higher audit share brings "
            f"more. After {LONGEST_TRIAL.days} days it waits no longer."
        )
        return Proposal(step=Step.EVALUATE, sentence=sentence, waiting=True)
    students = {"students": [champion.pk, trial.challenger.pk], "days": USUAL_DAYS}
    return Proposal(step=Step.EVALUATE, sentence=sentence, due=True, on=students, **place)


def to_be_seen_live(facts: Facts, champion: Student, trial: Trial) -> bool:
    """Whether both are still to be held against live traffic at the last step of the trial; for want of traffic, it
    waits no longer than a trial may take."""
    if facts.out_of_service(champion) or facts.out_of_service(trial.challenger) or not trial.passed_last:
        return False
    seen = _seen_live(facts, champion, trial)
    if seen is not None and seen.state == JobState.DONE:
        return False
    return not trial.waited_long_enough or _too_few(champion, trial) is None


def _too_few(champion: Student, trial: Trial) -> int | None:
    return too_few_live([champion, trial.challenger], timezone.now() - timedelta(days=USUAL_DAYS))


def _seen_live(facts: Facts, champion: Student, trial: Trial) -> Job | None:
    """The newest evaluation of both on live traffic since the last step of the trial."""
    students = [champion.pk, trial.challenger.pk]
    jobs = facts.application.jobs.filter(kind=JobKind.EVALUATE, parameters__students=students)
    return jobs.filter(created_at__gte=trial.move.created_at).order_by("-id").first() if trial.move else None


def _evaluations(facts: Facts, student: Student) -> Any:
    return facts.application.jobs.filter(kind=JobKind.EVALUATE, parameters__student=student.pk)
