"""What a training tells of the memory that it takes."""

from __future__ import annotations

import pytest
import torch

from training.students.memory import highest, memory_taken


def test_without_a_gpu_only_the_memory_of_the_process_is_told() -> None:
    assert list(memory_taken()) == ["peak_memory_mb"]


def test_with_a_gpu_the_peak_of_its_tensors_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 2_500_000)
    assert memory_taken()["peak_gpu_memory_mb"] == 2.5


def test_the_highest_peak_counts_wherever_in_the_curve_it_stands() -> None:
    curve = [{"step": 1.0}, {"step": 2.0, "peak_memory_mb": 9.0}, {"step": 3.0, "peak_memory_mb": 4.0}]
    assert highest(curve, "peak_memory_mb") == 9.0
    assert highest(curve, "peak_gpu_memory_mb") is None
