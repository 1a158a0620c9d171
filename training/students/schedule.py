"""What the training loops of all families do alike: batches, learning rates, arithmetic. Torch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch

T = TypeVar("T")


def batches(lengths: np.ndarray, size: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Indices in batches of about equal lengths, so that little of a batch is padding. A pass over all of them."""
    order = np.argsort(lengths + random.uniform(0, 2, len(lengths)), kind="stable")
    chunks = [order[start : start + size] for start in range(0, len(order), size)]
    for index in random.permutation(len(chunks)):
        yield chunks[index]


def share_of(whole: Sequence[T], process: int, processes: int) -> list[T]:
    """The part of a pass over `whole` that falls to one of the processes. All parts are equally long, since the
    processes step together: the last take some of the first again where they would lack one."""
    taken = math.ceil(len(whole) / processes) * processes
    return [whole[number % len(whole)] for number in range(process, taken, processes)]


def rate_factor(step: int, total: int, warmup_share: float) -> float:
    """Of the learning rate: linear warm-up, then linear decay to zero."""
    warmup = max(1.0, warmup_share * total)
    return min((step + 1) / warmup, (total - step) / max(1.0, total - warmup))


def use_bfloat16(precision: str, device: torch.device) -> bool:
    """Half-width arithmetic takes half the time where the device has it, and more where it has not."""
    if precision != "auto":
        return precision == "bfloat16"
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))
