"""The map: patterns as points in two dimensions, near ones near each other."""

from __future__ import annotations

import numpy as np
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

from curation.ml.clustering import reduce_dimensions

LANDMARKS = 1_500
NEIGHBOURS = 4
MAP_DIMENSIONS = 30


def project(embeddings: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Coordinates within -1 to 1, shape (patterns, 2); the same for the same input.

    t-SNE (van der Maaten and Hinton, 2008) of the patterns with the most traffic; the others lie among their nearest.
    """
    if len(embeddings) < 5:
        return _spread(reduce_dimensions(embeddings, 2))
    landmarks = np.argsort(-counts, kind="stable")[:LANDMARKS]
    reduced = reduce_dimensions(embeddings, MAP_DIMENSIONS)
    perplexity = min(30.0, (len(landmarks) - 1) / 3)
    model = TSNE(2, perplexity=perplexity, init="pca", max_iter=500, random_state=0, n_jobs=1)
    points = _spread(model.fit_transform(reduced[landmarks]))
    return _place_others(reduced, landmarks, points)


def _place_others(reduced: np.ndarray, landmarks: np.ndarray, points: np.ndarray) -> np.ndarray:
    placed = np.zeros((len(reduced), 2))
    placed[landmarks] = points
    others = np.setdiff1d(np.arange(len(reduced)), landmarks)
    if len(others):
        finder = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(reduced[landmarks])
        distances, nearest = finder.kneighbors(reduced[others])
        weights = 1 / (distances + 1e-6)
        placed[others] = (weights[..., None] * points[nearest]).sum(1) / weights.sum(1, keepdims=True)
    return placed


def _spread(points: np.ndarray) -> np.ndarray:
    """Centred, two columns, the farthest coordinate at 1."""
    wide = np.zeros((len(points), 2))
    wide[:, : min(2, points.shape[1])] = points[:, :2]
    wide -= wide.mean(0)
    return wide / max(float(np.abs(wide).max()), 1e-12)
