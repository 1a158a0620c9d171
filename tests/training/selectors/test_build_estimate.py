from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from curation.ml.calls import Call
from curation.models import Application, Cluster, Clustering
from curation.services.clustering import cluster_traffic
from tests.training.services.conftest import START, busy, send, traffic
from training.models.build_choices import EVERYTHING, BuildChoices
from training.selectors.build_estimate import BuildEstimate, about, build_estimate
from training.selectors.datasets import source_of
from training.services.datasets import dataset_build

__all__ = ["busy"]


def estimate(application: Application, choices: BuildChoices = EVERYTHING) -> BuildEstimate:
    source = source_of(application)
    assert source
    return build_estimate(source.clustering, source.clusters, choices)


def counts(found: BuildEstimate) -> dict[str, int]:
    return {step.key: step.count for step in found.steps}


@pytest.fixture
def clustered(application: Application) -> Application:
    """Every cluster that calls a function is approved."""
    send(application, traffic())
    cluster_traffic(application=application, report=lambda *_: None)
    Cluster.objects.exclude(function="").update(status="approved")
    return application


def test_the_estimate_is_close_to_what_is_built(clustered: Application) -> None:
    funnel = dataset_build(application=clustered).funnel
    assert counts(estimate(clustered)) == pytest.approx(funnel, rel=0.06)
    assert not estimate(clustered).is_upper_bound


def test_before_the_first_build_it_is_a_bound(clustered: Application) -> None:
    found = estimate(clustered)
    assert found.is_upper_bound
    assert counts(found)["distinct"] == counts(found)["usable"]


def test_choices_narrow_it_as_they_narrow_the_dataset(clustered: Application) -> None:
    whole = estimate(clustered)
    assert counts(estimate(clustered, BuildChoices(limit=30)))["selected"] == 30
    capped = estimate(clustered, BuildChoices(most_of_function=5))
    assert all(dict(row.counts)["train"] <= 5 for row, _ in capped.balance if not row.route)
    without = estimate(clustered, BuildChoices(without_functions=("pause",)))
    assert "pause" not in {row.label for row, _ in without.balance}
    assert counts(without)["usable"] < counts(whole)["usable"]
    clusters = tuple(Cluster.objects.filter(function="pause").values_list("pk", flat=True))
    assert counts(estimate(clustered, BuildChoices(without_clusters=clusters)))["usable"] <= counts(whole)["usable"]


def test_what_came_after_the_clustering_is_told_and_fills_the_newest_split(clustered: Application) -> None:
    later: list[tuple[str, Call | None]] = [
        (f"say {number} things", Call("play_artist", {"artist": str(number)})) for number in range(120)
    ]
    send(clustered, later, START + timedelta(days=1))
    found = estimate(clustered)
    assert found.newer == 120 and found.older == 0
    built = dataset_build(application=clustered)
    assert [dict(row.counts)["test"] for row, _ in found.balance if not row.route] == [0, 0]
    assert not built.examples.filter(split="test", route="simple").exists()


def test_it_never_counts_the_queries(busy: Application) -> None:
    Clustering.objects.update(queries=85)
    source = source_of(busy)
    assert source
    with CaptureQueriesContext(connection) as asked:
        build_estimate(source.clustering, source.clusters, EVERYTHING)
    assert 0 < len(asked) <= 5
    assert all("LIMIT" in query["sql"] for query in asked if '"curation_query"' in query["sql"])


@pytest.mark.parametrize(("count", "said"), [(0, 0), (7, 7), (44.4, 44), (8596, 8600), (123_456, 120_000)])
def test_about_has_two_digits(count: float, said: int) -> None:
    assert about(count) == said
