"""Who is on the challenger's side, and how many that would be by the recent traffic."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from curation.models import Application, RouterDecision

REQUESTS_LOOKED_AT = 10_000
STEPS = (5, 25, 50, 100)
"""Shares of the users, in percent, by which a canary is widened."""


def place_of_user(application_id: int, who: object) -> float:
    """Where a user, or a key, stands between 0 and 1: always at the same place, below the canary's share or not."""
    digest = hashlib.sha256(f"{application_id}:{who}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


@dataclass(frozen=True, slots=True)
class Reach:
    """How many of the recent users and requests a canary of a share would take; at the shares of `percents`.

    `unnamed` are requests that name no user: they go by their key, which the record does not hold.
    """

    users: int
    requests: int
    unnamed: int
    percents: list[tuple[int, int]]

    def at(self, percent: float) -> tuple[int, int]:
        """Users and requests at a share in percent, rounded down to whole ones."""
        return self.percents[min(max(int(percent), 0), 100)]


def newest_requests(application: Application) -> list[tuple[str, str, str]]:
    """Student, route and user of the newest requests at the gateway."""
    rows = RouterDecision.objects.filter(application=application).order_by("-query")
    return list(rows.values_list("student", "route", "query__client_id")[:REQUESTS_LOOKED_AT])


def canary_reach(application: Application, newest: Iterable[tuple[str, str, str]]) -> Reach:
    """By the newest requests."""
    counts = Counter(user for _, _, user in newest)
    unnamed = counts.pop("", 0)
    ranked = sorted((place_of_user(application.pk, user), count) for user, count in counts.items())
    requests = [0, *accumulate(count for _, count in ranked)]
    places = [place for place, _ in ranked]
    users = [bisect_left(places, percent / 100) for percent in range(100)] + [len(places)]
    return Reach(len(places), requests[-1], unnamed, [(count, requests[count]) for count in users])


def next_step(share: float) -> int | None:
    """The next wider share of the users, in percent; None where all are on the challenger's side."""
    return next((step for step in STEPS if step / 100 > share + 1e-9), None)
