from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from curation.ml.clustering import Group, assign, cluster_patterns, inherit, make_group
from curation.ml.splitting import split_mixed

DIMENSIONS = 16


def around(direction: int, count: int, *, spread: float = 0.05, seed: int = 0) -> np.ndarray:
    """Unit vectors near one axis."""
    points = np.random.default_rng(seed).normal(0, spread, (count, DIMENSIONS))
    points[:, direction] += 1
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def members(groups: list[Group]) -> list[set[int]]:
    return [set(group.patterns) for group in groups]


def test_dense_places_of_one_function_become_clusters() -> None:
    points = np.concatenate([around(0, 40), around(1, 30)])
    groups = cluster_patterns(points, ["play"] * 70, np.ones(70, dtype=int))
    assert members(groups) == [set(range(40)), set(range(40, 70))]


def test_functions_never_share_a_cluster() -> None:
    groups = cluster_patterns(around(0, 40), ["play", "stop"] * 20, np.ones(40, dtype=int))
    assert {group.function for group in groups} == {"play", "stop"}
    assert all(at % 2 == (group.function == "stop") for group in groups for at in group.patterns)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_small_function_is_a_cluster_all_the_same(size: int) -> None:
    (group,) = cluster_patterns(around(0, size), ["rare"] * size, np.ones(size, dtype=int))
    assert len(group.patterns) == size
    assert group.radius > 0


def test_a_lone_pattern_far_away_is_left_out_unless_much_traffic_has_it() -> None:
    points = np.concatenate([around(0, 40), -around(0, 1)])
    once = cluster_patterns(points, ["play"] * 41, np.ones(41, dtype=int))
    assert members(once) == [set(range(40))]
    often = cluster_patterns(points, ["play"] * 41, np.array([1] * 40 + [30]))
    assert set(range(40)) in members(often)
    assert {40} in members(often)


def test_a_query_joins_the_nearest_cluster_of_its_function_within_the_radius() -> None:
    near, far = (
        make_group("play", np.arange(10), around(direction, 10), np.ones(10, dtype=int)) for direction in (0, 1)
    )
    clusters = [near, far, replace(near, function="stop")]
    assert assign(around(0, 1, seed=9)[0], "play", clusters) is near
    assert assign(around(1, 1, seed=9)[0], "play", clusters) is far
    assert assign(around(5, 1)[0], "play", clusters) is None
    assert assign(around(0, 1)[0], "unknown", clusters) is None
    assert assign(around(0, 1)[0], "play", []) is None


def test_a_new_cluster_inherits_from_the_old_one_that_had_most_of_its_traffic() -> None:
    old = {"a": {"play {song}": 90, "play": 2}, "b": {"stop": 50}}
    new = [
        {"play {song}": 100, "please play": 20},
        {"stop": 40, "halt": 40, "cease": 1},
        {"stop": 41, "halt": 40},
        {"weather": 3},
        {},
    ]
    assert inherit(old, new) == ["a", None, "b", None, None]


def test_both_parts_of_a_split_cluster_inherit() -> None:
    assert inherit({7: {"x": 5, "y": 5}}, [{"x": 6}, {"y": 4, "z": 1}]) == [7, 7]


def test_a_mixed_cluster_is_split_where_the_function_cannot_be_told() -> None:
    points = np.concatenate([around(0, 40, spread=0.1), around(1, 40, spread=0.1)])
    counts = np.full(80, 2)
    whole = [make_group("play", np.arange(80), points, counts)]
    easy_and_hard = split_mixed(whole, points, counts, np.repeat([2, 0], 40))
    assert sorted(map(sorted, members(easy_and_hard))) == [list(range(40)), list(range(40, 80))]
    assert split_mixed(whole, points, counts, counts) == whole


def test_chance_differences_do_not_split_a_cluster() -> None:
    points, counts = around(0, 60), np.full(60, 2)
    agreed = np.random.default_rng(1).binomial(2, 0.7, 60)
    whole = [make_group("play", np.arange(60), points, counts)]
    assert split_mixed(whole, points, counts, agreed) == whole
