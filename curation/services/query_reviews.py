"""What people decide about queries: out of datasets or in, and what the call should have been."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction

from curation.errors import OdiaError
from curation.ml.calls import Call
from curation.models import Query, Review
from curation.models.reviews import Decision

_QUERY_FIELDS = ("function", "arguments", "several_calls", "labelled", "corrected", "excluded")


def query_exclude(*, query: Query, user: User | None) -> Review:
    """Keep a query out of datasets."""
    return _change_query(query, Decision.EXCLUDE, user, {"excluded": True})


def query_include(*, query: Query, user: User | None) -> Review:
    """Let a query into datasets again."""
    return _change_query(query, Decision.INCLUDE, user, {"excluded": False})


def call_correct(*, query: Query, call: Call | None, user: User | None) -> Review:
    """Put a person's call (or no call) in the place of the teacher's.

    Raises:
        OdiaError: the call does not validate against the query's tool set.
    """
    if call and query.tool_set:
        problem = query.tool_set.tool_set.problem_with(call.name, call.arguments)
        if problem:
            raise OdiaError(problem)
    columns = {"function": call.name if call else "", "arguments": call.arguments if call else {}}
    return _change_query(
        query, Decision.CORRECT, user, {**columns, "several_calls": False, "labelled": True, "corrected": True}
    )


def query_restore(*, review: Review) -> None:
    """Put a query back to what it was before a review of it."""
    assert review.query_id
    _write_query(review.query_id, review.before)


@transaction.atomic
def _change_query(query: Query, decision: Decision, user: User | None, changes: dict[str, Any]) -> Review:
    query = Query.objects.select_for_update().get(pk=query.pk)
    before = {name: getattr(query, name) for name in _QUERY_FIELDS}
    after = {**before, **changes}
    _write_query(query.pk, after)
    return Review.objects.create(
        application_id=query.application_id,
        decision=decision,
        query_id=query.pk,
        reviewer=user,
        before=before,
        after=after,
    )


def _write_query(query_id: UUID, values: dict[str, Any]) -> None:
    Query.objects.filter(pk=query_id).update(**{name: values[name] for name in _QUERY_FIELDS})
