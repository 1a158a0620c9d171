"""Which queries chance picks for audits: by the share of the inline answers that was audited when they arrived."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.contrib.admin.models import LogEntry

from curation.identifiers import chance_of, first_id
from training.models import RoutingPolicy
from training.selectors.trail_events import setting_event, type_of

FIELD = "audit_share"


class AuditShares:
    """The share that was audited at any time, but never more than is now.

    Of what a student refused, the teacher's answer is known whatever the share; of what it answered, up to the share of
    that time. By a share that was raised since, there would be too many of the former.
    """

    def __init__(self, now: float, changes: Sequence[tuple[datetime, float, float]] = ()) -> None:
        """`changes`: when, from which share, to which; the oldest first."""
        self._now = now
        self._begins = [first_id(moment) for moment, _, _ in changes]
        self._shares = [before for _, before, _ in changes[:1]] + [after for _, _, after in changes] or [now]

    def at(self, key: UUID) -> float:
        """When the query of this key arrived."""
        return min(self._shares[bisect_right(self._begins, key)], self._now)

    def picks(self, key: UUID) -> bool:
        return chance_of(key) < self.at(key)


ALL_KNOWN = AuditShares(1.0)
"""Where the teacher has answered everything."""


def audit_shares(policy: RoutingPolicy) -> AuditShares:
    """As the settings log tells of its changes."""
    entries = LogEntry.objects.filter(
        content_type=type_of(RoutingPolicy), object_id=str(policy.pk), change_message__contains=f'"{FIELD}"'
    )
    events = [setting_event(row) for row in entries.select_related("user", "content_type").order_by("action_time")]
    return AuditShares(
        policy.audit_share,
        [(event.at, event.before[FIELD], event.after[FIELD]) for event in events if FIELD in event.before],
    )
