"""Verdicts on the disagreements of an evaluation: who was right, and what follows for the reference call."""

from __future__ import annotations

from collections.abc import Hashable
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from curation.errors import OdiaError
from curation.ml.calls import Call
from curation.ml.tools import canonical_json
from curation.models import Query, Review
from curation.models.reviews import Decision
from curation.selectors.query import query_state
from curation.selectors.reviews import holding, overtaken
from curation.services.query_reviews import StaleDecision, queries_change
from curation.services.undo import batch_undo
from training.models import Evaluation, EvaluationExample, Judgement
from training.models.evaluations import Verdict
from training.selectors.disagreements import judgement_of, query_behind


@transaction.atomic
def example_judge(
    *,
    example: EvaluationExample,
    verdict: Verdict,
    user: User,
    correction: Call | None = None,
    exclude: bool = False,
    expected: str = "",
) -> Judgement:
    """Say who was right about a disagreement, and let the query, with its repeats, follow.

    Student: the student's call becomes the reference call. Teacher, both: nothing changes. Neither: `correction`
    becomes the reference call (None: no call), or the query stays out of datasets with `exclude`. A query that has been
    deleted is judged all the same.

    Raises:
        StaleDecision: somebody has judged it meanwhile, or its query is not in the state `expected` any more.
        OdiaError: it is no disagreement, or the call does not validate against the tool set.
    """
    locked = EvaluationExample.objects.select_for_update(of=("self",))
    example = locked.select_related("evaluation__student__application").get(pk=example.pk)
    if example.agrees:
        raise OdiaError("Here student and reference agree: there is nothing to judge.")
    standing = judgement_of(example)
    if standing:
        raise StaleDecision(
            f"{standing.judged_by} has judged this meanwhile: {standing.get_verdict_display().lower()}. "
            "That verdict stands; take it back first to give another."
        )
    query = query_behind(example.evaluation.student.application, example.query_id)
    if query and expected and query_state(query) != expected:
        raise StaleDecision("The query was changed since this page was shown. Look at it again, then decide.")
    batch = _follow(query, verdict, example.student_call, correction, exclude, user) if query else None
    return Judgement.objects.create(example=example, verdict=verdict, batch=batch, judged_by=user)


@transaction.atomic
def judgement_undo(*, judgement: Judgement, user: User) -> Judgement:
    """Take a verdict back, and what it changed about the reference call. What was decided about a query since stays.

    Raises:
        OdiaError: it is taken back already.
    """
    judgement = Judgement.objects.select_for_update(of=("self",)).get(pk=judgement.pk)
    if judgement.undone_at is not None:
        raise OdiaError("This verdict is taken back already.")
    application = judgement.example.evaluation.student.application
    if judgement.batch and _holds(judgement.batch):
        batch_undo(application=application, batch=judgement.batch, user=user)
    judgement.undone_by, judgement.undone_at = user, timezone.now()
    judgement.save(update_fields=["undone_by", "undone_at"])
    return judgement


@transaction.atomic
def verdicts_carry_over(*, evaluation: Evaluation) -> int:
    """Repeat what reviewers said of the same answers to the same queries in earlier evaluations; how many that were.

    Nothing follows from it for the reference calls: that was done when the verdict was given.
    """
    rows = {_answer(row): row for row in evaluation.examples.filter(agrees=False)}
    given = Judgement.objects.filter(
        undone_at=None,
        example__query_id__in={row.query_id for row in rows.values()},
        example__evaluation__student__application=evaluation.student.application_id,
    )
    earlier = {
        _answer(judgement.example): judgement
        for judgement in given.exclude(example__evaluation=evaluation).select_related("example").order_by("pk")
    }
    carried = [
        Judgement(
            example=rows[answer],
            verdict=judgement.verdict,
            judged_by_id=judgement.judged_by_id,
            carried_from=judgement,
        )
        for answer, judgement in earlier.items()
        if answer in rows
    ]
    return len(Judgement.objects.bulk_create(carried))


def _answer(example: EvaluationExample) -> tuple[Hashable, ...]:
    """A query with its reference call and the student's."""
    calls = (example.call, example.student_call)
    return (example.query_id, *(canonical_json(call.as_json()) if call else None for call in calls))


def _follow(
    query: Query, verdict: Verdict, students: Call | None, correction: Call | None, exclude: bool, user: User
) -> UUID | None:
    """The batch of what was changed, None where nothing was."""
    if verdict in (Verdict.TEACHER, Verdict.BOTH):
        return None
    if exclude and verdict == Verdict.NEITHER:
        batch = queries_change(queries=_alike(query), decision=Decision.EXCLUDE, user=user)
    else:
        call = students if verdict == Verdict.STUDENT else correction
        batch = queries_change(queries=_alike(query), decision=Decision.CORRECT, user=user, call=call)
    return batch.batch if batch.changed else None


def _alike(query: Query) -> QuerySet[Query]:
    """The query and its repeats: the same text, up to letter case, with the same reference call."""
    own = Query.objects.filter(application=query.application_id)
    if not query.pattern_id:
        return own.filter(pk=query.pk)
    call = Q(labelled=True, function=query.function, arguments=query.arguments)
    return own.filter(Q(pk=query.pk) | Q(call, pattern=query.pattern_id, text__iexact=query.text))


def _holds(batch: UUID) -> bool:
    """Whether something that was changed was neither taken back nor decided on again elsewhere."""
    reviews = list(holding(Review.objects.filter(batch=batch)))
    return bool(reviews) and len(overtaken(reviews)) < len(reviews)
