"""What people decide about queries: out of datasets or in, and what the call should have been.

One action changes any number of queries: each that changes gets a review, and all of them bear the same batch, so
that one undo takes the whole action back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import QuerySet

from curation.errors import OdiaError
from curation.ml.calls import Call
from curation.models import Query, Review, ToolSetVersion
from curation.models.reviews import Decision
from curation.selectors.query import DECIDED, query_state

MOST_AT_ONCE = 10_000
_CHANGED_BY: Mapping[str, Mapping[str, str]] = {
    Decision.EXCLUDE: {"excluded": "boolean"},
    Decision.INCLUDE: {"excluded": "boolean"},
    Decision.CORRECT: {
        "function": "text",
        "arguments": "jsonb",
        "several_calls": "boolean",
        "labelled": "boolean",
        "corrected": "boolean",
    },
}
"""The columns that a decision writes and its undoing puts back, with their types; others may have changed since."""


class Batch(NamedTuple):
    """One action: the mark that its reviews bear, and how many queries it changed."""

    batch: UUID
    changed: int


class StaleDecision(OdiaError):
    """Somebody has changed the query since the page was shown."""


@transaction.atomic
def queries_change(
    *, queries: QuerySet[Query], decision: Decision, user: User | None, call: Call | None = None
) -> Batch:
    """Exclude, take back in, or correct to `call` (None: no call) all of these queries that this changes.

    Raises:
        OdiaError: they are more than `MOST_AT_ONCE`, or the call does not validate against the tool set of one.
    """
    changes = _changes(decision, call)
    found = _locked(queries.exclude(**changes))
    if len(found) > MOST_AT_ONCE:
        raise OdiaError(f"More than {MOST_AT_ONCE:,} queries pass: narrow the filter, one action changes no more.")
    if call:
        _check_call(call, found)
    batch = uuid4()
    Review.objects.bulk_create([_review(query, decision, user, changes, batch) for query in found], batch_size=2000)
    Query.objects.filter(pk__in=[query.pk for query in found]).update(**changes)
    return Batch(batch, len(found))


def query_exclude(*, query: Query, user: User | None, expected: str = "") -> Review:
    """Keep a query out of datasets.

    Raises:
        StaleDecision: the query is not in the state `expected` (of `query_state`) any more.
        OdiaError: it is excluded already.
    """
    return _change_one(query, Decision.EXCLUDE, user, expected)


def query_include(*, query: Query, user: User | None, expected: str = "") -> Review:
    """Let a query into datasets again.

    Raises:
        StaleDecision: the query is not in the state `expected` (of `query_state`) any more.
        OdiaError: it is not excluded.
    """
    return _change_one(query, Decision.INCLUDE, user, expected)


def call_correct(*, query: Query, call: Call | None, user: User | None, expected: str = "") -> Review:
    """Put a person's call (or no call) in the place of the teacher's.

    Raises:
        StaleDecision: the query is not in the state `expected` (of `query_state`) any more.
        OdiaError: the call does not validate against the query's tool set, or is a person's correction already.
    """
    return _change_one(query, Decision.CORRECT, user, expected, call)


def queries_restore(*, reviews: Sequence[Review]) -> None:
    """Put queries back to what they were before these reviews of them, all of one decision."""
    decision = reviews[0].decision
    assert all(review.decision == decision for review in reviews)
    columns = _CHANGED_BY[decision]
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {Query._meta.db_table} AS query SET {', '.join(f'{name} = was.{name}' for name in columns)} "
            f"FROM {Review._meta.db_table} AS review, "
            f"jsonb_to_record(review.before) AS was ({', '.join(f'{name} {kind}' for name, kind in columns.items())}) "
            "WHERE review.id = ANY(%s) AND query.id = review.query_id",
            [[review.pk for review in reviews]],
        )


def _changes(decision: Decision, call: Call | None) -> dict[str, Any]:
    if decision != Decision.CORRECT:
        return {"excluded": decision == Decision.EXCLUDE}
    columns = {"function": call.name if call else "", "arguments": call.arguments if call else {}}
    return {**columns, "several_calls": False, "labelled": True, "corrected": True}


def _locked(queries: QuerySet[Query]) -> list[Query]:
    """The queries, one more than allowed at most, in the order of their keys so that two actions cannot deadlock."""
    rows = queries.order_by("pk").only("application_id", "tool_set_id", *DECIDED)
    return list(rows.select_for_update(of=("self",))[: MOST_AT_ONCE + 1])


def _check_call(call: Call, queries: Sequence[Query]) -> None:
    of_tool_set = Counter(query.tool_set_id for query in queries)
    for version in ToolSetVersion.objects.filter(pk__in=[pk for pk in of_tool_set if pk]):
        problem = version.tool_set.problem_with(call.name, call.arguments)
        if problem:
            number = of_tool_set[version.pk]
            raise OdiaError(problem if number == 1 else f"{problem} This is so for {number:,} of the queries.")


def _review(query: Query, decision: Decision, user: User | None, changes: dict[str, Any], batch: UUID) -> Review:
    before = {name: getattr(query, name) for name in DECIDED}
    return Review(
        application_id=query.application_id,
        decision=decision,
        query_id=query.pk,
        reviewer=user,
        before=before,
        after={**before, **changes},
        batch=batch,
    )


_NOTHING_TO_DO = {
    Decision.EXCLUDE: "The query is excluded already.",
    Decision.INCLUDE: "The query is not excluded.",
    Decision.CORRECT: "The call is corrected to exactly this already.",
}


@transaction.atomic
def _change_one(query: Query, decision: Decision, user: User | None, expected: str, call: Call | None = None) -> Review:
    one = Query.objects.filter(pk=query.pk)
    if expected and query_state(one.select_for_update().get()) != expected:
        raise StaleDecision("The query was changed since this page was shown, so nothing is decided yet.")
    batch, changed = queries_change(queries=one, decision=decision, user=user, call=call)
    if not changed:
        raise OdiaError(_NOTHING_TO_DO[decision])
    return Review.objects.get(batch=batch)
