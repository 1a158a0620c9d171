"""The sequential test: seldom wrong however often it is looked at, and soon right."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.students.sequential import ALPHA, is_too_high, level_of_a_function, log_e_value

EPSILON = 0.02


def first_alarms(share: float, audits: int, students: int, seed: int) -> np.ndarray:
    """For each of some students that disagree on `share` of their answers, after how many audits it is switched off."""
    rng = np.random.default_rng(seed)
    alarms = np.full(students, np.inf)
    for student in range(students):
        seen_at = np.flatnonzero(rng.random(audits) < share) + 1  # only with a disagreement does the evidence grow
        for disagreed, audited in enumerate(seen_at.tolist(), 1):
            if is_too_high(audited, disagreed, EPSILON):
                alarms[student] = audited
                break
    return alarms


def test_a_student_within_what_is_allowed_is_seldom_switched_off() -> None:
    alarms = first_alarms(EPSILON, audits=3000, students=400, seed=1)
    assert 0 < np.isfinite(alarms).mean() <= ALPHA
    assert not np.isfinite(first_alarms(EPSILON / 2, audits=3000, students=200, seed=2)).any()


@pytest.mark.parametrize(("times", "audits"), [(2, 600), (3, 180), (10, 25)])
def test_a_student_that_disagrees_more_is_switched_off_soon(times: int, audits: int) -> None:
    alarms = first_alarms(times * EPSILON, audits=4000, students=100, seed=3)
    assert np.median(alarms) <= audits
    assert np.isfinite(alarms).all()


def test_the_evidence_starts_at_one_and_keeps_its_mean_while_all_is_as_allowed() -> None:
    """The mean over the next audit, at the disagreement allowed, is the evidence before it."""
    assert log_e_value(0, 0, EPSILON) == pytest.approx(0)
    for audited, disagreed in ((0, 0), (10, 0), (100, 5), (100_000, 2_100)):
        agreed, differed = (log_e_value(audited + 1, disagreed + more, EPSILON) for more in (0, 1))
        mean = math.log(EPSILON * math.exp(differed - agreed) + 1 - EPSILON) + agreed
        assert mean == pytest.approx(log_e_value(audited, disagreed, EPSILON))


@pytest.mark.parametrize(("audited", "disagreed"), [(1_000_000, 0), (1_000_000, 20_000), (1_000_000, 1_000_000)])
def test_a_million_audits_are_no_trouble(audited: int, disagreed: int) -> None:
    evidence = log_e_value(audited, disagreed, EPSILON)
    assert math.isfinite(evidence)
    assert is_too_high(audited, disagreed, EPSILON) == (disagreed > EPSILON * audited)


def test_no_disagreement_is_too_high_where_any_is_allowed() -> None:
    assert not is_too_high(1000, 1000, 1.0)
    assert is_too_high(1000, 3, 0.0)


def test_functions_share_their_chance_of_error() -> None:
    assert sum(level_of_a_function(8) for _ in range(8)) == pytest.approx(ALPHA)
    assert level_of_a_function(0) == ALPHA
