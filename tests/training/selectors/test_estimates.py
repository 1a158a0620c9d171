"""What must hold of the parts of an estimate: what the policy would approve, and what latency to expect."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from training.models import RoutingPolicy
from training.selectors.estimates import reduction, simple_share, teacher_histogram


def cluster(queries: int, **changes: Any) -> Any:
    given = {"function": "play", "simplicity": 0.9, "purity": 0.9, **changes}
    evidence = SimpleNamespace(
        purity=SimpleNamespace(lower=given.pop("purity")), volume=SimpleNamespace(queries=queries)
    )
    return SimpleNamespace(evidence=evidence, **given)


def test_simple_is_what_the_default_policy_would_approve() -> None:
    clusters = [
        cluster(100),
        cluster(50, simplicity=0.75, purity=0.7),
        cluster(40, simplicity=0.74),
        cluster(30, purity=0.69),
        cluster(20, function=None),
        cluster(19),
    ]
    assert simple_share(clusters, RoutingPolicy(), 300) == pytest.approx(150 / 300)


def test_the_teachers_latency_is_the_one_given_then_the_logs_then_a_guess() -> None:
    given, logged, guessed = (teacher_histogram(*pair) for pair in (([5.0], 800.0), ([5.0, 7.0], None), ([], None)))
    assert [source.split()[0] for source, _ in (given, logged, guessed)] == ["log-normal", "2", "unknown;"]
    for (_, histogram), median in ((given, 800), (guessed, 1000)):
        assert reduction(histogram, 1.0, 0.0)["latency_ms"]["without"]["p50"] == pytest.approx(median, rel=0.03)
        assert reduction(histogram, 1.0, 0.0)["latency_ms"]["without"]["p90"] == pytest.approx(
            median * 2.5 / 1.4, rel=0.03
        )
    assert sum(logged[1].values()) == 2


def test_a_student_that_answers_nothing_costs_its_own_time() -> None:
    _, teacher = teacher_histogram([1000.0] * 10, None)
    saved = reduction(teacher, 10.0, 0.0)["predicted_reduction"]
    assert saved["mean"] == pytest.approx(-0.01, abs=0.001)
    assert saved["p50"] == pytest.approx(-0.01, abs=0.001)


def test_the_double_cost_of_a_fallback_is_counted() -> None:
    _, teacher = teacher_histogram([1000.0] * 10, None)
    saved = reduction(teacher, 100.0, 0.6)["predicted_reduction"]
    assert saved["mean"] == pytest.approx(0.5, abs=0.01)
    assert saved["p50"] == pytest.approx(0.9, abs=0.01)
