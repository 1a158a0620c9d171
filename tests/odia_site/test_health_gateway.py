"""The doctor's line about the gateway, from what its `/readyz` says."""

from __future__ import annotations

from typing import Any

import pytest

from odia_site.health import judge_gateway

WELL: dict[str, Any] = {
    "database": "reachable",
    "students": {"music": "music-encoder-1 answers"},
    "challengers": {"music": "music-encoder-2 stands by"},
    "teachers": {"http://teacher/v1": "closed"},
}


def test_a_gateway_whose_parts_work_is_well() -> None:
    assert judge_gateway(WELL).ok


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"students": {"music": "music-encoder-1 is refused: x"}}, "music: music-encoder-1 is refused: x."),
        ({"challengers": {"music": "music-encoder-2 is refused: x"}}, "music: music-encoder-2 is refused: x."),
        ({"teachers": {"http://teacher/v1": "open"}}, "The teacher at http://teacher/v1 does not answer."),
        ({"teachers": {"http://teacher/v1": "half-open"}}, "The teacher at http://teacher/v1 does not answer."),
        ({"database": "away"}, "It cannot reach PostgreSQL and goes on with what it knows."),
    ],
)
def test_what_is_wrong_with_a_part_is_told(changes: dict[str, Any], sentence: str) -> None:
    finding = judge_gateway(WELL | changes)
    assert not finding.ok and sentence in finding.sentence
