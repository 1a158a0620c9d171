"""What is left of a labelling job: the requests that are still to be made."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from curation.identifiers import derived_id, time_of
from curation.models import Job, Query, TeacherCall, ToolSetVersion, Unusable
from curation.models.labelling import LabelChoices, Scope
from curation.selectors.labelling import chosen
from curation.selectors.tool_sets import current_tool_set

BATCH = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request: about a query, under these tools; `mark` tells it from others about the same query."""

    query: Query
    tool_set: ToolSetVersion
    mark: str = ""


class Backlog:
    """The requests that are still to be made, the newest query first; those that had no room go to the end.

    However many queries have come between the first and the last of the job since, no more are asked about than it was
    started for.
    """

    def __init__(self, job: Job, choices: LabelChoices) -> None:
        self._of_job: dict[str, Any] = {
            "application": job.application,
            "query__gte": choices.first,
            "query__lte": choices.last,
        }
        self._created_at = job.created_at
        self._rows = chosen(job.application, choices).select_related("tool_set")
        if choices.scope == Scope.REFUSED:
            self._rows = self._rows.filter(unusable__asked_at__lt=job.created_at)
        self._choices = choices
        self._now = current_tool_set(job.application) if choices.scope == Scope.CHANGED else None
        self._given_back: deque[Wanted] = deque()
        self.answered = self._count_answered()
        """By earlier attempts."""
        self.left = self.count_left(self.answered)
        """When this attempt began."""
        self._source = islice(self._all(), self.left)

    @property
    def choices(self) -> LabelChoices:
        return self._choices

    def take(self) -> Wanted | None:
        """The next one; None when there is none left."""
        wanted = next(self._source, None)
        return self._given_back.popleft() if wanted is None and self._given_back else wanted

    def give_back(self, wanted: Wanted) -> None:
        self._given_back.append(wanted)

    def count_left(self, answered: int) -> int:
        """`answered` by all attempts."""
        return max(min(self._count_open(), self._choices.requests - answered - self.count_unusable()), 0)

    def count_unusable(self) -> int:
        """Queries that this job has found no usable answer to."""
        return Unusable.objects.filter(**self._of_job, asked_at__gte=self._created_at).count()

    def _count_open(self) -> int:
        return self._rows.count() if self._choices.scope != Scope.AGAIN else sum(1 for _ in self._all())

    def _count_answered(self) -> int:
        """Asked again, also those of a job that this one repeats."""
        if self._choices.scope == Scope.AGAIN:
            return self._rows.count() * self._choices.samples - self._count_open()
        calls = TeacherCall.objects.filter(**self._of_job, purpose=self._choices.purpose)
        return calls.filter(called_at__gte=self._created_at).count()

    def _all(self) -> Iterator[Wanted]:
        before = None
        while rows := list((self._rows.filter(id__lt=before) if before else self._rows)[:BATCH]):
            before = rows[-1].pk
            yield from self._again(rows) if self._choices.scope == Scope.AGAIN else map(self._once, rows)

    def _once(self, query: Query) -> Wanted:
        tool_set = self._now or query.tool_set
        assert tool_set is not None  # queries without tools are no targets
        return Wanted(query, tool_set, tool_set.sha256 if self._now else "")

    def _again(self, rows: list[Query]) -> Iterator[Wanted]:
        """Each query so many times, but for the answers that an earlier attempt has got."""
        purpose = self._choices.purpose
        kept = set(TeacherCall.objects.filter(query__in=rows, purpose=purpose).values_list("pk", flat=True))
        for query in rows:
            for sample in range(self._choices.samples):
                mark = f"{self._choices.mark} {sample}"
                assert query.tool_set is not None
                if derived_id(time_of(query.pk), str(query.pk), purpose, mark) not in kept:
                    yield Wanted(query, query.tool_set, mark)
