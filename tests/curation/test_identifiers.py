"""Identifiers: what can be read out of them."""

from __future__ import annotations

from datetime import UTC, datetime

from curation.identifiers import chance_of, new_id

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_chance_of_an_identifier_is_even_and_always_the_same() -> None:
    ids = [new_id(AT) for _ in range(4000)]
    chances = [chance_of(one) for one in ids]
    assert chances == [chance_of(one) for one in ids]
    assert all(0 <= chance < 1 for chance in chances)
    assert 250 < sum(chance < 0.1 for chance in chances) < 550  # 400, give or take eight standard deviations
