"""A teacher that does not answer is left alone, and asked again as soon as it does."""

from __future__ import annotations

import pytest

from training.gateway.breaker import FAILURES, Attempt, Breaker


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def admitted(breaker: Breaker) -> Attempt:
    attempt = breaker.admit()
    assert attempt
    return attempt


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        admitted(breaker).failed()


def test_a_run_of_failures_opens_it(breaker: Breaker) -> None:
    fail(breaker, FAILURES - 1)
    assert breaker.state == "closed"
    fail(breaker, 1)
    assert breaker.state == "open" and breaker.admit() is None
    assert breaker.retry_after == 1.0


def test_failures_with_answers_between_them_never_do(breaker: Breaker) -> None:
    for _ in range(20):
        fail(breaker, FAILURES - 1)
        admitted(breaker).succeeded()
    assert breaker.state == "closed"


def test_requests_that_nobody_waited_for_count_for_nothing(breaker: Breaker) -> None:
    for _ in range(3 * FAILURES):
        admitted(breaker).dropped()
    assert breaker.state == "closed"


def test_after_the_pause_one_request_at_a_time_probes(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.seconds = 0.99
    assert breaker.admit() is None
    clock.seconds = 1.0
    probe = admitted(breaker)
    assert breaker.state == "half-open" and breaker.admit() is None
    probe.succeeded()
    assert breaker.state == "closed" and breaker.admit() and breaker.admit()


def test_the_pause_doubles_up_to_ten_seconds_and_starts_anew(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    pauses = []
    for _ in range(6):
        pauses.append(breaker.retry_after)
        clock.seconds += breaker.retry_after
        fail(breaker, 1)
    assert pauses == [1, 2, 4, 8, 10, 10]
    clock.seconds += breaker.retry_after
    admitted(breaker).succeeded()
    fail(breaker, FAILURES)
    assert breaker.retry_after == 1


def test_a_probe_whose_client_left_makes_room_for_the_next(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.seconds = 1.0
    admitted(breaker).dropped()
    assert breaker.state == "open"
    admitted(breaker).succeeded()
    assert breaker.state == "closed"


def test_failures_from_before_it_opened_do_not_open_it_again(breaker: Breaker, clock: Clock) -> None:
    hanging = [admitted(breaker) for _ in range(3 * FAILURES)]
    for attempt in hanging[:FAILURES]:
        attempt.failed()
    clock.seconds = 1.0
    admitted(breaker).succeeded()
    for attempt in hanging[FAILURES:]:
        attempt.failed()
    assert breaker.state == "closed"


def test_an_old_request_that_is_answered_closes_it(breaker: Breaker, clock: Clock) -> None:
    slow = admitted(breaker)
    fail(breaker, FAILURES)
    clock.seconds = 1.0
    probe = admitted(breaker)
    slow.succeeded()
    probe.failed()
    assert breaker.state == "closed"


def test_an_attempt_is_settled_once(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, FAILURES)
    clock.seconds = 1.0
    probe = admitted(breaker)
    probe.failed()
    probe.succeeded()
    probe.dropped()
    assert breaker.state == "open" and breaker.retry_after == 2
