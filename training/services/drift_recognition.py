"""Which queries are like what the clustering in force was made from, and which are like nothing that it knows.

A query is known if another query of the same pattern was clustered, or if its pattern lies within the radius of a
cluster of the function that it calls. So queries that were clustered themselves are judged as later ones are: what
is alone with its pattern does not vouch for itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from curation.identifiers import chance_of
from curation.ml.calls import Call
from curation.ml.clustering import assign
from curation.ml.embedding import Embedder
from curation.ml.evidence import function_name
from curation.ml.patterns import delexicalise, readable
from curation.ml.traffic import SEVERAL
from curation.models import Application, Cluster, Pattern, Query
from curation.models.clusters import ClusterStatus, pattern_key
from curation.selectors.clusters import clustering_in_force
from training.selectors.drift import Traffic
from training.services.drift_alarms import Recognised

SAMPLE = 1_000
"""Queries of some time, picked by chance, that stand for all of it."""
EXAMPLES = 5

Progress = Callable[[float], None]


class Recogniser:
    """What the clustering in force knows."""

    def __init__(self, application: Application) -> None:
        clustering = clustering_in_force(application)
        clusters = Cluster.objects.filter(clustering=clustering).exclude(status=ClusterStatus.REPLACED)
        self.application = application
        self.knows_anything = clustering is not None
        self._clusters = list(clusters.only("function", "centroid", "radius")) if clustering else []
        self._embedder = Embedder()

    def recognise(self, traffic: Traffic, progress: Progress) -> Recognised:
        """How much of a sample of the traffic is unknown; examples are of its commonest unknown patterns."""
        sample = sorted(traffic.alone, key=chance_of)[:SAMPLE]
        queries = Query.objects.filter(pk__in=sample).select_related("decision").order_by("-id")
        keys = {query: delexicalise(query.text, _call(query)).key for query in queries}
        patterns = self._patterns(set(keys.values()))
        alone = {query: key for query, key in keys.items() if not _is_of_pattern(query, patterns.get(key))}
        vectors = self._vectors(list(dict.fromkeys(alone.values())), patterns, progress)
        unknown = [query for query, key in alone.items() if not self._lies_in_cluster(query, vectors.get(key))]
        commonest = Counter(alone[query] for query in unknown).most_common(EXAMPLES)
        first = {alone[query]: query.pk for query in reversed(unknown)}
        return Recognised(len(keys), len(unknown), [first[key] for key, _ in commonest])

    def _patterns(self, keys: set[str]) -> dict[str, Pattern]:
        hashed = {pattern_key(key): key for key in keys}
        rows = self.application.patterns.filter(key__in=hashed).only("key", "queries", "embedding")
        return {hashed[pattern.key]: pattern for pattern in rows}

    def _vectors(
        self, keys: Sequence[str], patterns: Mapping[str, Pattern], progress: Progress
    ) -> dict[str, np.ndarray]:
        vectors = {key: np.asarray(patterns[key].embedding) for key in keys if key in patterns}
        new = [key for key in keys if key not in vectors]
        if new and self._clusters:
            embedded = self._embedder.embed([readable(key) for key in new], progress)
            vectors.update(zip(new, embedded, strict=True))
        return vectors

    def _lies_in_cluster(self, query: Query, vector: np.ndarray | None) -> bool:
        function = function_name(_label(query)) or ""
        return vector is not None and assign(vector, function, self._clusters) is not None


def _is_of_pattern(query: Query, pattern: Pattern | None) -> bool:
    """Whether other queries of its pattern were clustered."""
    return pattern is not None and pattern.queries > (query.pattern_id == pattern.pk)


def _call(query: Query) -> Call | None:
    """The call that was answered."""
    return query.call if query.labelled else query.decision.call


def _label(query: Query) -> str:
    if query.labelled and query.several_calls:
        return SEVERAL
    return query.function if query.labelled else query.decision.function
