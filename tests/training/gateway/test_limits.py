"""How often a key may ask, counted over all gateways; and what its database learns of its use."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.training.gateway.conftest import KEY, Gateway, default_entry
from tests.training.gateway.servers import wait_until
from training.gateway.envelope import ApiError
from training.gateway.limits import RateLimits
from training.selectors.snapshot import KeyEntry, Snapshot

NOON = datetime(2026, 5, 1, 12, 0, 20, tzinfo=UTC)
LIMITED = KeyEntry(7, 1, requests_per_minute=3)


def is_admitted(limits: RateLimits, key: KeyEntry = LIMITED, at: datetime = NOON) -> bool:
    try:
        limits.admit(key, at)
    except ApiError as error:
        assert error.status == 429
        return False
    return True


def test_a_key_may_use_its_minute_up_and_go_on_in_the_next() -> None:
    limits = RateLimits()
    assert [is_admitted(limits) for _ in range(5)] == [True] * 3 + [False] * 2
    assert is_admitted(limits, at=NOON + timedelta(seconds=40))


def test_other_keys_are_not_touched() -> None:
    limits = RateLimits()
    for _ in range(5):
        is_admitted(limits)
    assert is_admitted(limits, KeyEntry(8, 1, requests_per_minute=3))
    assert all(is_admitted(limits, KeyEntry(9, 1)) for _ in range(100)), "a key without a limit"


def test_two_gateways_share_a_limit() -> None:
    totals: dict[tuple[datetime, int], int] = {}

    def record_use(requests: dict[int, int], at: datetime) -> dict[int, int]:
        for pk, count in requests.items():
            totals[at, pk] = totals.get((at, pk), 0) + count
        return {pk: totals[at, pk] for pk in requests}

    first, second = RateLimits(), RateLimits()
    assert is_admitted(first) and is_admitted(second) and is_admitted(second)
    for limits in (first, second, first):
        limits.exchange(record_use)  # type: ignore[arg-type]
    assert not is_admitted(second), "it has heard of the other's request"
    assert totals == {(NOON.replace(second=0), 7): 3}, "each request is told once"


def test_what_could_not_be_told_is_told_the_next_time() -> None:
    told: list[tuple[int, datetime]] = []

    def away(requests: object, at: datetime) -> dict[int, int]:
        raise ConnectionError

    def record_use(requests: dict[int, int], at: datetime) -> dict[int, int]:
        told.extend((count, at) for count in requests.values())
        return {}

    limits = RateLimits()
    is_admitted(limits)
    with pytest.raises(ConnectionError):
        limits.exchange(away)
    is_admitted(limits)
    is_admitted(limits, at=NOON + timedelta(minutes=1))
    limits.exchange(record_use)  # type: ignore[arg-type]
    limits.exchange(record_use)  # type: ignore[arg-type]
    minute = NOON.replace(second=0)
    assert sorted(told) == [(1, minute + timedelta(minutes=1)), (2, minute)]


def test_a_client_is_told_when_to_come_again(gateway: Gateway) -> None:
    key = hashlib.sha256(KEY.encode()).hexdigest()
    entry = default_entry(gateway.teacher_url, gateway.folder)
    gateway.know_snapshot(Snapshot({key: KeyEntry(77, 1, requests_per_minute=2)}, {1: entry}))
    responses = [gateway.ask("play Sade") for _ in range(6)]  # the minute may turn once on the way
    refused = [response for response in responses if response.status_code == 429]
    assert len(refused) >= 2
    error = refused[0].json()["error"]
    assert error["code"] == "rate_limit_exceeded" and "2 requests a minute" in error["message"]
    assert 1 <= int(refused[0].headers["retry-after"]) <= 60


def test_the_database_learns_of_each_request(gateway: Gateway) -> None:
    key = hashlib.sha256(KEY.encode()).hexdigest()
    entry = default_entry(gateway.teacher_url, gateway.folder)
    gateway.know_snapshot(Snapshot({key: KeyEntry(78, 1)}, {1: msgspec.structs.replace(entry, challenger=None)}))
    for _ in range(3):
        gateway.ask("play Sade")
    wait_until(lambda: gateway.used[78] == 3, "the count of the requests")
