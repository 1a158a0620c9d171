"""When what a look for drift has found is an alarm: when chance does not explain it, and when it is much besides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from scipy.stats import binomtest, hypergeom

from curation.ml.traffic import NO_CALL, SEVERAL
from training.models import RoutingPolicy
from training.models.audits import WHOLE
from training.selectors.audit_shares import audit_shares
from training.selectors.drift import AuditedAnswer

CHANCE = 0.01
"""Of an alarm about traffic that is as it was before; of all functions together."""
MORE_UNKNOWN = 0.05
MOVED = 0.02
APPEARED = 0.005
"""Shares of the traffic: so much more of it is unknown, so far a function has moved, or so much of it is a function
that was not called before."""
DOUBT = 0.05
"""The chance of an alarm about answers that differ no more than is allowed; of all functions together."""
NAMED = 5

Alarm = dict[str, Any]
"""Its kind, the function that it is about (empty: none, or all together), and a sentence; `queries` are examples."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """Of `looked_at` queries, so many are `unknown`; `examples` are keys of some."""

    looked_at: int
    unknown: int
    examples: Sequence[UUID] = ()

    @property
    def share(self) -> float:
        return self.unknown / self.looked_at if self.looked_at else 0.0


def unknown_alarm(now: Recognised, before: Recognised, what: str) -> list[Alarm]:
    """Against the traffic before, of which `what` says which it is."""
    if now.share - before.share < MORE_UNKNOWN:
        return []
    if _chance_of_more(now.unknown, now.looked_at, before.unknown, before.looked_at) > CHANCE:
        return []
    sentence = f"{now.share:.1%} of the traffic is like nothing that is known; of {what}, {before.share:.1%} was."
    return [{"kind": "unknown", "function": "", "sentence": sentence, "queries": [str(key) for key in now.examples]}]


def function_moves(now: Counter[str], before: Counter[str] | None) -> list[dict[str, Any]]:
    """Each function with its share of the traffic before and now, the greatest move first. Without traffic before,
    nothing has moved, and the greatest share comes first."""
    if before is None:
        shares = [{"function": name, "before": None, "now": now[name] / now.total()} for name in now]
        rows = [{**row, "queries": now[row["function"]], "moved": False} for row in shares]  # type: ignore[index]
        return sorted(rows, key=lambda row: (-row["now"], row["function"]))
    names = set(now) | set(before)
    rows = [
        {
            "function": name,
            "before": before[name] / before.total(),
            "now": now[name] / now.total(),
            "queries": now[name],
            "moved": _has_moved(now[name], now.total(), before[name], before.total(), CHANCE / len(names)),
        }
        for name in names
    ]
    return sorted(rows, key=lambda row: (-abs(row["now"] - row["before"]), row["function"]))


def function_alarm(moves: Sequence[Mapping[str, Any]], what: str) -> list[Alarm]:
    moved = [_move(row) for row in moves if row["moved"]]
    if not moved:
        return []
    more = f", and {len(moved) - NAMED} more" if len(moved) > NAMED else ""
    sentence = f"Calls have other shares than in {what}: {', '.join(moved[:NAMED])}{more}."
    return [{"kind": "function_share", "function": "", "sentence": sentence}]


def teacher_alarms(changed: Mapping[str, datetime], since: datetime) -> list[Alarm]:
    """About the functions for which the teacher answers otherwise than it did `since` the moment and before."""
    return [
        {
            "kind": "teacher_changed",
            "function": function,
            "sentence": f"The teacher’s calls of {function} are others than before {moment:%Y-%m-%d %H:%M} UTC.",
        }
        for function, moment in changed.items()
        if moment >= since
    ]


def disagreement_alarms(
    audited: Sequence[AuditedAnswer], policy: RoutingPolicy, off: Set[tuple[str, str]]
) -> list[Alarm]:
    """About what differs more often than the policy allows and is not `off`, all functions together first.

    `off`: (version of a student, function) of what is switched off.

    Audits look closer at a function after an answer that differs; of all functions together, only the answers that
    chance picked say how many differ.
    """
    standing = [one for one in audited if off.isdisjoint({(one.student, one.function), (one.student, WHOLE)})]
    shares = audit_shares(policy)
    by_chance = [one for one in standing if shares.picks(one.key)]
    whole = _disagreement(WHOLE, by_chance, policy.epsilon, DOUBT)
    names = sorted({one.function for one in standing})
    own = [[one for one in standing if one.function == name] for name in names]
    level = DOUBT / max(len(names), 1)
    found = [_disagreement(name, rows, policy.function_epsilon, level) for name, rows in zip(names, own, strict=True)]
    return [alarm for alarm in (whole, *found) if alarm]


def _disagreement(function: str, audited: Sequence[AuditedAnswer], allowed: float, doubt: float) -> Alarm | None:
    differed = sum(not one.agrees for one in audited)
    if not differed:
        return None
    interval = binomtest(differed, len(audited), alternative="greater").proportion_ci(1 - doubt, method="exact")
    if interval.low <= allowed:
        return None
    of = f" of {function}" if function else ""
    sentence = (
        f"{differed:,} of {len(audited):,} audited answers{of} differ from the teacher’s, so at least "
        f"{interval.low:.1%} do; {allowed:.1%} is allowed."
    )
    return {"kind": "disagreement", "function": function, "sentence": sentence}


def _has_moved(now: int, of_now: int, before: int, of_before: int, chance: float) -> bool:
    share = now / of_now
    if abs(share - before / of_before) < MOVED and (before or share < APPEARED):
        return False
    more = _chance_of_more(now, of_now, before, of_before)
    return 2 * min(more, _chance_of_more(of_now - now, of_now, of_before - before, of_before)) <= chance


def _move(row: Mapping[str, Any]) -> str:
    name = {NO_CALL: "no call", SEVERAL: "several calls"}.get(row["function"], row["function"])
    if not row["before"]:
        return f"{name} {row['now']:.1%} (it did not come before)"
    return f"{name} {row['now']:.1%} instead of {row['before']:.1%}"


def _chance_of_more(now: int, of_now: int, before: int, of_before: int) -> float:
    """Of so many now or more, given how many there are in all, if nothing has changed (Fisher's exact test)."""
    return float(hypergeom(of_now + of_before, now + before, of_now).sf(now - 1))
