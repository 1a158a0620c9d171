"""How a challenger does: on the users that it answers (canary), and unseen beside the champion (shadow)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from curation.ml.calls import Call, same_call
from curation.models import Application, Query, RouterDecision, ShadowAnswer, ToolSetVersion
from curation.models.traffic import INLINE_ROUTES
from training.models import AuditTally, Student
from training.models.audits import WHOLE
from training.selectors.shares import Disagreement

SHADOWS_LOOKED_AT = 1_000
_REFERENCE = ("tool_set_id", "labelled", "function", "arguments", "several_calls")


@dataclass(frozen=True, slots=True)
class Canary:
    """Of the newest `looked_at` requests: those that met the challenger, and those of them that it answered inline.

    `audits` count since it became the challenger, or was last turned on again.
    """

    looked_at: int
    met: int
    inline: int
    audits: Disagreement

    @property
    def coverage(self) -> float | None:
        return self.inline / self.met if self.met else None


@dataclass(frozen=True, slots=True)
class Side:
    """One student on the shadowed queries: its inline answers, and those whose reference call is known."""

    inline: int
    seen: Disagreement


@dataclass(frozen=True, slots=True)
class ShadowTrial:
    """The challenger beside the champion on the same `queries`, the newest that were shadowed."""

    queries: int
    challenger: Side
    champion: Side

    @property
    def challenger_coverage(self) -> float:
        return self.challenger.inline / self.queries

    @property
    def champion_coverage(self) -> float:
        return self.champion.inline / self.queries


def canary_of(challenger: Student, newest: Iterable[tuple[str, str, str]]) -> Canary:
    """By the student and the route of the newest requests (see `canary.newest_requests`)."""
    counts = Counter((student, route) for student, route, _ in newest)
    met = {route: count for (student, route), count in counts.items() if student == challenger.version}
    inline = sum(met.get(route, 0) for route in INLINE_ROUTES)
    return Canary(counts.total(), sum(met.values()), inline, audits_of_all(challenger))


def audits_of_all(student: Student) -> Disagreement:
    """What audits saw of all its functions in service where chance picked the answers, since it got its place or was
    last turned on again."""
    tally = AuditTally.objects.filter(student=student, function=WHOLE).first() or AuditTally()
    return Disagreement(tally.audited, tally.disagreed)


def shadow_of(challenger: Student) -> ShadowTrial | None:
    """None before anything was shadowed."""
    rows = ShadowAnswer.objects.filter(application=challenger.application_id, student=challenger.version)
    shadows = {shadow.pk: shadow for shadow in rows.order_by("-query")[:SHADOWS_LOOKED_AT]}
    queries = Query.objects.only(*_REFERENCE).in_bulk(list(shadows))
    decisions = RouterDecision.objects.only("route", "function", "arguments").in_bulk(list(queries))
    if not decisions:
        return None
    judge = _Judge(challenger.application, [queries[pk] for pk in decisions])
    return ShadowTrial(
        len(decisions),
        judge.side({pk: shadows[pk].call for pk in decisions if _would_answer(shadows[pk])}),
        judge.side({pk: row.call for pk, row in decisions.items() if row.route in INLINE_ROUTES}),
    )


def _would_answer(shadow: ShadowAnswer) -> bool:
    return shadow.call is not None and shadow.threshold is not None and shadow.confidence >= shadow.threshold


class _Judge:
    """Holds calls against the reference calls of some queries. Each tool set is read once."""

    def __init__(self, application: Application, queries: list[Query]) -> None:
        self._rules = application.comparison_rules
        self._queries = {query.pk: query for query in queries}
        self._tool_sets = ToolSetVersion.objects.in_bulk({query.tool_set_id for query in queries if query.tool_set_id})

    def side(self, inline: dict[UUID, Call | None]) -> Side:
        judged = [(self._queries[pk], call) for pk, call in inline.items() if self._queries[pk].labelled]
        differ = sum(not self._agrees(query, call) for query, call in judged)
        return Side(len(inline), Disagreement(len(judged), differ))

    def _agrees(self, query: Query, call: Call | None) -> bool:
        offered = self._tool_sets.get(query.tool_set_id) if query.tool_set_id else None
        same = same_call(call, query.call, offered.tool_set if offered else None, self._rules)
        return same and not query.several_calls
