"""Splitting of mixed clusters: queries whose function can be told from those whose function cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import Ridge

from curation.ml.clustering import LEAST_SHARE, SHARED_DIMENSIONS, SMALLEST, Group, make_group, reduce_dimensions
from curation.ml.traffic import NO_CALL, SEVERAL

FOLDS = 3
LEAST_QUERIES = 30
"""Neither part may have fewer queries than this, nor less than `LEAST_SHARE` of all traffic."""
LEAST_DIFFERENCE = 0.15
LEAST_DEVIATIONS = 5.0
"""The parts must differ in agreement by this much, and by this many standard errors: reviewing costs time."""
DEEPEST = 3


def split_mixed(groups: Sequence[Group], embeddings: np.ndarray, counts: np.ndarray, agreed: np.ndarray) -> list[Group]:
    """Split each cluster in two, and those again, where that sets apart queries whose function is hard to tell.

    A ridge regression predicts a pattern's agreement from its embedding, out of fold; the cut through the
    predictions that separates agreement best is made if the difference is large and certain. Only the choice of
    function counts: a cluster whose arguments are hard to find is one cluster all the same.

    Args:
        agreed: of each pattern, for how many of its `counts` queries the probe chose the teacher's function.
    """
    splitter = _Splitter(embeddings, reduce_dimensions(embeddings, SHARED_DIMENSIONS), counts, agreed)
    parts = [part for group in groups for part in splitter.split(group, DEEPEST)]
    return sorted(parts, key=lambda group: -int(counts[list(group.patterns)].sum()))


@dataclass(frozen=True, slots=True)
class _Splitter:
    embeddings: np.ndarray
    reduced: np.ndarray
    counts: np.ndarray
    agreed: np.ndarray

    def split(self, group: Group, depth: int) -> list[Group]:
        rows = np.array(group.patterns)
        if group.function in (NO_CALL, SEVERAL) or len(rows) < 2 * SMALLEST or not depth:
            return [group]
        scores = self._predicted_agreement(rows)
        least = max(LEAST_QUERIES, LEAST_SHARE * self.counts.sum())
        cut = _best_cut(scores, self.counts[rows], self.agreed[rows], least)
        if cut is None:
            return [group]
        sides = (rows[scores < cut], rows[scores >= cut])
        halves = [make_group(group.function, side, self.embeddings, self.counts) for side in sides]
        return [part for half in halves for part in self.split(half, depth - 1)]

    def _predicted_agreement(self, rows: np.ndarray) -> np.ndarray:
        features, weights, rates = self.reduced[rows], self.counts[rows], self.agreed[rows] / self.counts[rows]
        folds = np.random.default_rng(0).permutation(len(rows)) % FOLDS
        predicted = np.zeros(len(rows))
        for fold in range(FOLDS):
            train, test = folds != fold, folds == fold
            model = Ridge(1.0).fit(features[train], rates[train], sample_weight=weights[train])
            predicted[test] = model.predict(features[test])
        return predicted


def _best_cut(scores: np.ndarray, counts: np.ndarray, agreed: np.ndarray, least: float) -> float | None:
    """The score that parts the queries with the most significant difference in agreement, if it is worth it."""
    order = scores.argsort()
    below, hits = np.cumsum(counts[order])[:-1], np.cumsum(agreed[order])[:-1]
    total, all_hits = counts.sum(), agreed.sum()
    above = total - below
    difference = (all_hits - hits) / above - hits / below
    rate = all_hits / total
    error = np.sqrt(max(rate * (1 - rate), 1e-9) * (1 / below + 1 / above))
    patterns = np.arange(1, len(scores))
    allowed = (np.minimum(below, above) >= least) & (difference >= LEAST_DIFFERENCE)
    allowed &= (np.minimum(patterns, len(scores) - patterns) >= SMALLEST) & (np.diff(scores[order]) > 0)
    deviations = np.where(allowed, difference / error, 0.0)
    best = int(deviations.argmax())
    return float(scores[order][best + 1]) if deviations[best] >= LEAST_DEVIATIONS else None
