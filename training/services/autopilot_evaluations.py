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
from training.selectors.autopilot_trial import Trial, takes_too_long, trial_of
from training.selectors.canary import next_step
from training.services.live_drawing import LEAST_QUERIES, USUAL_DAYS, enough_live


def evaluate(facts: Facts) -> Iterator[Proposal]:
    """The candidate, then the champion on the candidate's examples; both on live traffic at the end of a trial."""
    if JobKind.EVALUATE in facts.kinds_under_way:
        yield Proposal(step=Step.EVALUATE, sentence="A student is being evaluated.", waiting=True)
        return
    candidate, champion = facts.candidate, facts.champion
    if candidate is not None and facts.evaluation is None:
        yield _first_evaluation(facts, candidate)
    elif candidate is not None and champion is not None and _not_compared(facts, champion, candidate):
        sentence = (
            f"{champion} was not evaluated on dataset {candidate.dataset.version}, from which {candidate} learned."
        )
        parameters = {"student": champion.pk, "dataset": candidate.dataset_id}
        place: dict[str, Any] = {"subject": f"student {candidate.pk}", "page": "student", "key": candidate.pk}
        yield Proposal(step=Step.EVALUATE, sentence=sentence, due=True, on=parameters, **place)
    elif (trial := trial_of(facts)) and champion is not None and to_be_seen_live(facts, champion, trial):
        yield _live_evaluation(facts, champion, trial)
    else:
        yield Proposal(step=Step.EVALUATE, sentence="Every student that needs it is evaluated.")


def _first_evaluation(facts: Facts, student: Student) -> Proposal:
    place: dict[str, Any] = {"subject": f"student {student.pk}", "page": "student", "key": student.pk}
    failed = _evaluations(facts, student).filter(state__in=(JobState.FAILED, JobState.CANCELLED)).first()
    if failed:
        sentence = f"{student} could not be evaluated: {failed.message} Evaluate it on its page."
        return Proposal(step=Step.EVALUATE, sentence=sentence, asks=True, **place)
    parameters = {"student": student.pk}
    sentence = f"{student} was not evaluated on its own dataset yet."
    return Proposal(step=Step.EVALUATE, sentence=sentence, due=True, on=parameters, **place)


def _not_compared(facts: Facts, champion: Student, candidate: Student) -> bool:
    """Whether the champion is still to be held against the candidate's examples. It is tried once."""
    if facts.out_of_service(champion) or champion.evaluations.filter(dataset=candidate.dataset_id).exists():
        return False
    return not _evaluations(facts, champion).filter(parameters__dataset=candidate.dataset_id).exists()


def _live_evaluation(facts: Facts, champion: Student, trial: Trial) -> Proposal:
    place: dict[str, Any] = {"subject": f"live {trial.challenger.pk}", "page": "evaluations"}
    if failed_of_late(_seen_live(facts, trial)):
        sentence = "The evaluation on live traffic failed; it is tried again an hour after."
        return Proposal(step=Step.EVALUATE, sentence=sentence, waiting=True)
    sentence = f"{trial.figures} Before it can become champion, both are held against the same live traffic."
    if not enough_live([champion, trial.challenger], timezone.now() - timedelta(days=USUAL_DAYS)):
        sentence = f"{sentence} There are fewer than {LEAST_QUERIES} answered queries for that so far."
        return Proposal(step=Step.EVALUATE, sentence=sentence, waiting=True)
    students = {"students": [champion.pk, trial.challenger.pk], "days": USUAL_DAYS}
    return Proposal(step=Step.EVALUATE, sentence=sentence, due=True, on=students, **place)


def to_be_seen_live(facts: Facts, champion: Student, trial: Trial) -> bool:
    """Whether both are still to be held against live traffic at the last step of the trial."""
    out = facts.out_of_service(champion) or facts.out_of_service(trial.challenger)
    if out or not trial.passed or next_step(trial.share) is not None or trial.move is None:
        return False
    seen = _seen_live(facts, trial)
    return (seen is None or seen.state == JobState.FAILED) and not takes_too_long(facts, trial.challenger)


def _seen_live(facts: Facts, trial: Trial) -> Job | None:
    """The newest evaluation of the challenger on live traffic since the last step of its trial."""
    jobs = facts.application.jobs.filter(kind=JobKind.EVALUATE, parameters__students__contains=[trial.challenger.pk])
    return jobs.filter(created_at__gte=trial.move.created_at).order_by("-id").first() if trial.move else None


def _evaluations(facts: Facts, student: Student) -> Any:
    return facts.application.jobs.filter(kind=JobKind.EVALUATE, parameters__student=student.pk)
