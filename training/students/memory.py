"""The memory that a training takes: the most that its process ever took, since the trainer does each run in its own."""

from __future__ import annotations

import resource
from collections.abc import Sequence

MEMORY = "peak_memory_mb"
GPU_MEMORY = "peak_gpu_memory_mb"


def memory_taken() -> dict[str, float]:
    """The peaks so far in megabytes, as a point of a training's curve holds them; of a GPU where one is used."""
    import torch  # it takes seconds, and pages read the names above

    taken = {MEMORY: peak_memory_mb()}
    if torch.cuda.is_initialized():
        taken[GPU_MEMORY] = torch.cuda.max_memory_allocated() / 1e6
    return taken


def peak_memory_mb() -> float:
    """The most memory that this process, or one that it started and that has ended, ever took."""
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return max(peaks) * 1024 / 1e6


def highest(curve: Sequence[dict[str, float]], name: str) -> float | None:
    """Of the peaks of this name that a training told of; None where it told of none."""
    return max((point[name] for point in curve if name in point), default=None)
