"""Labelling: which queries the teacher is asked about, and those that it gave no usable answer to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import models

from curation.models.applications import Application
from curation.models.traffic import Purpose, Query

MOST_QUERIES = 100_000
"""Of one job."""


class Scope(models.TextChoices):
    UNANSWERED = "unanswered", "Queries without an answer"
    REFUSED = "refused", "Queries that it gave no usable answer to before"
    CHANGED = "changed", "Queries with tools that have changed since, under the tools of now"
    AGAIN = "again", "Answered queries again, to measure how consistent it is"

    @property
    def purpose(self) -> Purpose:
        return Purpose.RESAMPLE if self == Scope.AGAIN else Purpose.LABEL


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelChoices:
    """What a labelling job asks: the queries of a scope from `first` to `last` (keys), `queries` when it was started.

    Each is asked about `samples` times, with the teacher's own temperature where `temperature` is None. `cluster` is
    the key of the one whose queries are meant, None for all. `mark` tells the answers of this job, and of one that
    repeats it, from those of others.
    """

    scope: Scope
    first: UUID
    last: UUID
    queries: int
    samples: int = 1
    temperature: float | None = None
    cluster: int | None = None
    mark: str = ""

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "scope": str(self.scope), "first": str(self.first), "last": str(self.last)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> LabelChoices:
        keys = {name: UUID(stored[name]) for name in ("first", "last")}
        return cls(**{**stored, **keys, "scope": Scope(stored["scope"])})

    @property
    def requests(self) -> int:
        return self.queries * self.samples

    @property
    def purpose(self) -> Purpose:
        return self.scope.purpose

    @property
    def queries_in_words(self) -> str:
        return f"{self.queries:,} quer{'y' if self.queries == 1 else 'ies'}"


class Unusable(models.Model):
    """A query to which the teacher gave no usable answer, however often it was asked."""

    query = models.OneToOneField(
        Query, on_delete=models.CASCADE, primary_key=True, related_name="unusable", db_constraint=False
    )
    application = models.ForeignKey(Application, on_delete=models.CASCADE, db_constraint=False)
    reason = models.TextField(help_text="What the teacher answered in the end, in a sentence.")
    asked_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        verbose_name = "query without a usable answer"
        verbose_name_plural = "queries without a usable answer"

    def __str__(self) -> str:
        return self.reason
