from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.ml.evidence import (
    Agreement,
    Consistency,
    Evidence,
    ProbeAgreement,
    Purity,
    Reach,
    Shape,
    Volume,
    describe,
    wilson_lower,
)

EVIDENCE = Evidence(
    function="play_song",
    purity=Purity(412, 418, 412 / 418, wilson_lower(412, 418), {"": 4, "queue_song": 2}),
    consistency=Consistency(Agreement(1, 1.0), Agreement(1200, 0.97), Agreement(0, None)),
    reach=Reach(410, 420, 410 / 420),
    shape=Shape(1.0, 0.05, 4.25),
    probe=ProbeAgreement(380, 400, 412, 380 / 412),
    volume=Volume(412, 0.1, 600_000.0, 0.12),
)


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_lower_bound_is_a_share_below_the_measured_one(hits: int, misses: int) -> None:
    bound = wilson_lower(hits, hits + misses)
    assert 0 <= bound <= (hits / (hits + misses) if hits + misses else 0) + 1e-9


def test_the_lower_bound_rises_with_the_number_of_queries() -> None:
    assert wilson_lower(0, 0) == 0
    assert wilson_lower(9, 10) < wilson_lower(90, 100) < wilson_lower(900, 1000) < 0.9
    assert wilson_lower(90, 100) == pytest.approx(0.8256, abs=1e-4)


def test_evidence_is_told_in_words_with_its_numbers() -> None:
    told = {label: sentence for label, sentence, _ in describe(EVIDENCE)}
    assert told["Purity"] == (
        "The teacher chose play_song for 412 of 418 queries like these (98.6%, at least 96.9% with 95% certainty); "
        "otherwise: no call 4, queue_song 2."
    )
    assert told["Consistency"] == (
        "The teacher made the same call 100.0% of the time when the same query came again (1 pair), "
        "97.0% of the time when the same pattern came again (1,200 pairs)."
    )
    assert told["Volume"] == "412 queries, 10.0% of the traffic and 12.0% of the teacher's time (600 s)."
    assert list(told) == ["Purity", "Consistency", "Reach", "Shape", "Probe", "Volume"]


def test_evidence_is_json() -> None:
    assert json.loads(json.dumps(EVIDENCE.as_json()))["purity"]["others"] == {"": 4, "queue_song": 2}
