"""Which queries are known to the clustering in force."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from curation.ml.calls import Call
from curation.models import Application, Cluster, Pattern, Query
from curation.models.traffic import Route
from tests.curation.traffic import START, make_cluster, make_clustering, make_query, student_decision
from training.selectors.drift import answered
from training.services import drift_recognition
from training.services.drift_recognition import Recogniser

NEAR, FAR = np.eye(384)[0], np.eye(384)[1]


class OneHot:
    """Embeds what speaks of music near the cluster, and everything else far from it."""

    def embed(self, texts: Sequence[str], progress: Any = None) -> np.ndarray:
        return np.stack([NEAR if "music" in text else FAR for text in texts])


@pytest.fixture
def application(application: Application, monkeypatch: pytest.MonkeyPatch) -> Application:
    """With one cluster, of the function `play`."""
    monkeypatch.setattr(drift_recognition, "Embedder", OneHot)
    make_cluster(make_clustering(application), "the cluster")
    Cluster.objects.update(centroid=NEAR, radius=0.3)
    return application


def unknown(application: Application) -> set[str]:
    traffic = answered(application, None, START.replace(year=START.year + 1))
    seen = Recogniser(application).recognise(traffic, lambda done: None)
    texts = set(Query.objects.filter(pk__in=seen.examples).values_list("text", flat=True))
    assert len(texts) == seen.unknown
    return texts


def make_pattern(application: Application, text: str, queries: int) -> Pattern:
    return Pattern.objects.create(
        application=application,
        key=hashlib.sha256(text.encode()).hexdigest(),
        template=text,
        queries=queries,
        embedding=FAR,
    )


def test_what_lies_in_a_cluster_of_its_function_is_known(application: Application) -> None:
    make_query(application, "music please", Call("play", {}), minute=0)
    make_query(application, "music louder", Call("volume", {}), minute=1)
    make_query(application, "a pizza", Call("play", {}), minute=2)
    assert unknown(application) == {"music louder", "a pizza"}


def test_a_pattern_that_was_clustered_is_known_wherever_it_lies(application: Application) -> None:
    make_query(application, "a pizza", Call("order", {}))
    pattern = make_pattern(application, "a pizza", queries=1)
    assert unknown(application) == set()
    pattern.queries = 0
    pattern.save()
    assert unknown(application) == {"a pizza"}, "an older clustering had it, the one in force does not"


def test_a_query_that_is_alone_with_its_pattern_does_not_vouch_for_itself(application: Application) -> None:
    query = make_query(application, "a pizza", Call("order", {}))
    pattern = make_pattern(application, "a pizza", queries=1)
    Query.objects.filter(pk=query.pk).update(pattern=pattern)
    assert unknown(application) == {"a pizza"}
    Pattern.objects.filter(pk=pattern.pk).update(queries=2)
    assert unknown(application) == set()


def test_an_inline_answer_counts_with_the_call_that_was_answered(application: Application) -> None:
    for minute, route in enumerate((Route.STUDENT, Route.FALLBACK)):
        decision = student_decision(Call("play", {}), route=route)
        make_query(application, f"music {route}", answered=False, decision=decision, minute=minute)
    make_query(application, "nobody answered", answered=False, minute=2)
    traffic = answered(application, None, START.replace(year=START.year + 1))
    assert dict(traffic.functions) == {"play": 1}
    assert unknown(application) == set()


def test_with_earlier_turns_a_text_tells_too_little(application: Application) -> None:
    query = make_query(application, "that one", Call("order", {}))
    Query.objects.filter(pk=query.pk).update(context=[{"role": "user", "content": "hello"}])
    traffic = answered(application, None, START.replace(year=START.year + 1))
    assert (traffic.queries, traffic.alone) == (1, [])
    assert unknown(application) == set()
