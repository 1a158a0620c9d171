"""Parts of a cluster, found by its embeddings."""

from __future__ import annotations

import numpy as np
from sklearn.cluster import KMeans

MOST_PARTS = 6


def part_patterns(embeddings: np.ndarray, counts: np.ndarray, parts: int) -> list[np.ndarray]:
    """Indices of the patterns in each part, the part with the most queries first; the same for the same input.

    k-means on the unit vectors, weighted by queries. There are fewer parts where there are fewer distinct patterns.

    Args:
        embeddings: unit vectors, shape (patterns, dimensions).
        counts: queries of each pattern.
    """
    wanted = min(parts, len(np.unique(embeddings, axis=0)))
    labels = KMeans(wanted, n_init=4, random_state=0).fit_predict(embeddings, sample_weight=counts.astype(float))
    found = [np.flatnonzero(labels == label) for label in range(wanted)]
    return sorted((rows for rows in found if len(rows)), key=lambda rows: -int(counts[rows].sum()))
