from __future__ import annotations

import numpy as np

from curation.ml.parting import part_patterns
from tests.curation.ml.test_clustering import around


def test_the_parts_are_the_places_where_the_patterns_lie_the_busiest_first() -> None:
    points = np.concatenate([around(0, 10), around(1, 6), around(2, 4)])
    counts = np.array([1] * 10 + [5] * 6 + [1] * 4)
    found = [rows.tolist() for rows in part_patterns(points, counts, 3)]
    assert found == [list(range(10, 16)), list(range(10)), list(range(16, 20))]


def test_equal_patterns_are_not_torn_apart() -> None:
    points = np.repeat(around(0, 1), 5, axis=0)
    (part,) = part_patterns(points, np.ones(5, dtype=int), 3)
    assert part.tolist() == list(range(5))
