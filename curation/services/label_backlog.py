"""What is left of a labelling job: the requests that are still to be made."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from curation.identifiers import derived_id, time_of
from curation.models import Job, Query, TeacherCall, ToolSetVersion
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
    """The requests that are still to be made, the newest query first."""

    def __init__(self, job: Job, choices: LabelChoices) -> None:
        self._rows = chosen(job.application, choices).select_related("tool_set")
        if choices.scope == Scope.REFUSED:
            self._rows = self._rows.filter(unusable__asked_at__lt=job.created_at)
        self._choices = choices
        self._now = current_tool_set(job.application) if choices.scope == Scope.CHANGED else None
        self._waiting: deque[Wanted] = deque()
        self._source = self._all()

    @property
    def choices(self) -> LabelChoices:
        return self._choices

    def take(self) -> Wanted | None:
        """The next one; None when there is none left."""
        return self._waiting.popleft() if self._waiting else next(self._source, None)

    def give_back(self, wanted: Wanted) -> None:
        self._waiting.append(wanted)

    def count_left(self) -> int:
        if self._choices.scope != Scope.AGAIN:
            return self._rows.count()
        return sum(1 for _ in self._all())

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
