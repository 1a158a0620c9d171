"""The gate: a student's features turned into the chance that its call agrees with the teacher's. NumPy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Gate:
    """A logistic regression on standardised features, their squares and their products.

    Features are clipped to the range seen when the gate was fitted. `weights` are in the order of `expand`.
    """

    names: tuple[str, ...]
    lowest: np.ndarray
    highest: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    bias: float

    def probability(self, features: np.ndarray) -> np.ndarray:
        """Chances [n] for features [n, features]."""
        standardised = (np.clip(features, self.lowest, self.highest) - self.mean) / self.scale
        result: np.ndarray = 1 / (1 + np.exp(-(expand(standardised) @ self.weights + self.bias)))
        return result

    def as_json(self) -> dict[str, Any]:
        arrays = {name: getattr(self, name).tolist() for name in ("lowest", "highest", "mean", "scale", "weights")}
        return {"names": list(self.names), "bias": self.bias, **arrays}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Gate:
        arrays = {name: np.array(data[name]) for name in ("lowest", "highest", "mean", "scale", "weights")}
        return cls(names=tuple(data["names"]), bias=float(data["bias"]), **arrays)


def expand(features: np.ndarray) -> np.ndarray:
    """Features [n, k] with their squares and products: [n, k + k (k + 1) / 2]."""
    first, second = np.triu_indices(features.shape[1])
    return np.hstack([features, features[:, first] * features[:, second]])
