"""Splitting of mixed clusters: queries whose function can be told from those whose function cannot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import Ridge

from curation.ml.clustering import SMALLEST, Group, make_group
from curation.ml.traffic import NO_CALL, SEVERAL

FOLDS = 3
LEAST_QUERIES = 30
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
    parts = [part for group in groups for part in _split(group, embeddings, counts, agreed, DEEPEST)]
    return sorted(parts, key=lambda group: -int(counts[list(group.patterns)].sum()))


def _split(group: Group, embeddings: np.ndarray, counts: np.ndarray, agreed: np.ndarray, depth: int) -> list[Group]:
    rows = np.array(group.patterns)
    if group.function in (NO_CALL, SEVERAL) or len(rows) < 2 * SMALLEST or not depth:
        return [group]
    scores = _predicted_agreement(embeddings[rows], counts[rows], agreed[rows])
    cut = _best_cut(scores, counts[rows], agreed[rows])
    if cut is None:
        return [group]
    halves = (make_group(group.function, rows[side], embeddings, counts) for side in (scores < cut, scores >= cut))
    return [part for half in halves for part in _split(half, embeddings, counts, agreed, depth - 1)]


def _predicted_agreement(embeddings: np.ndarray, counts: np.ndarray, agreed: np.ndarray) -> np.ndarray:
    folds = np.random.default_rng(0).permutation(len(counts)) % FOLDS
    predicted = np.zeros(len(counts))
    for fold in range(FOLDS):
        train, test = folds != fold, folds == fold
        model = Ridge(1.0).fit(embeddings[train], (agreed / counts)[train], sample_weight=counts[train])
        predicted[test] = model.predict(embeddings[test])
    return predicted


def _best_cut(scores: np.ndarray, counts: np.ndarray, agreed: np.ndarray) -> float | None:
    """The score that parts the queries with the most significant difference in agreement, if it is worth it."""
    order = scores.argsort()
    below, hits = np.cumsum(counts[order])[:-1], np.cumsum(agreed[order])[:-1]
    total, all_hits = counts.sum(), agreed.sum()
    above = total - below
    difference = (all_hits - hits) / above - hits / below
    rate = all_hits / total
    error = np.sqrt(max(rate * (1 - rate), 1e-9) * (1 / below + 1 / above))
    patterns = np.arange(1, len(scores))
    allowed = (np.minimum(below, above) >= LEAST_QUERIES) & (difference >= LEAST_DIFFERENCE)
    allowed &= (np.minimum(patterns, len(scores) - patterns) >= SMALLEST) & (np.diff(scores[order]) > 0)
    deviations = np.where(allowed, difference / error, 0.0)
    best = int(deviations.argmax())
    return float(scores[order][best + 1]) if deviations[best] >= LEAST_DEVIATIONS else None
