from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from curation.ml.clustering import Group, Heritage, assign, cluster_patterns, inherit, make_group
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


def test_a_dense_place_with_little_traffic_goes_with_its_neighbour() -> None:
    points = np.concatenate([around(0, 40), around(0, 20, spread=0.02, seed=1) + 0.7 * np.eye(DIMENSIONS)[1]])
    points = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    other = [around(5, 40)]
    everything = np.concatenate([points, *other])
    functions = ["play"] * 60 + ["stop"] * 40
    rare = cluster_patterns(everything, functions, np.array([100] * 40 + [1] * 20 + [100] * 40))
    often = cluster_patterns(everything, functions, np.array([1] * 40 + [100] * 20 + [1] * 40))
    assert members(rare) == [set(range(60)), set(range(60, 100))]
    assert len(often) == 3


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
    verdicts = {"a": "approved", "b": "rejected"}
    assert [one.home for one in inherit(old, verdicts, new)] == ["a", None, "b", None, None]


def test_both_parts_of_a_split_cluster_inherit() -> None:
    found = inherit({7: {"x": 5, "y": 5}}, {7: "approved"}, [{"x": 6}, {"y": 4, "z": 1}])
    assert [one.home for one in found] == [7, 7]


def test_two_parts_with_the_same_verdict_are_inherited_together() -> None:
    old = {1: {"x": 6}, 2: {"y": 4}}
    assert inherit(old, {1: "approved", 2: "approved"}, [{"x": 6, "y": 4, "z": 8}]) == [Heritage(1)]


def test_what_mixes_approved_and_rejected_traffic_inherits_neither() -> None:
    old = {1: {"x": 90}, 2: {"y": 10, "elsewhere": 90}}
    verdicts = {1: "approved", 2: "rejected"}
    assert inherit(old, verdicts, [{"x": 90, "y": 10}]) == [Heritage(None, 2, 0.1)]
    assert inherit(old, verdicts, [{"x": 96, "y": 4}]) == [Heritage(1, 2, 0.04)]


def test_two_verdicts_are_mixed_also_where_neither_has_most_of_the_traffic() -> None:
    old = {1: {"x": 90}, 2: {"y": 90}}
    [found] = inherit(old, {1: "approved", 2: "rejected"}, [{"x": 30, "y": 20, "z": 50}])
    assert found == Heritage(None, 2, 0.2) and found.mixed


def test_a_small_part_that_was_decided_otherwise_is_not_swallowed_in_silence() -> None:
    old = {1: {"x": 97}, 2: {"y": 3}}
    assert inherit(old, {1: "approved", 2: "rejected"}, [{"x": 97, "y": 3}]) == [Heritage(None, 2, 0.03)]


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
