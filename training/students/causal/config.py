"""Settings of the causal family."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal


@dataclass(frozen=True, slots=True)
class CausalConfig:
    """How a causal student is built and trained. JSON-able with `as_json`; recorded in the artifact.

    `base` is a folder or a hub name of a Hugging Face causal language model, or a GGUF file. `lora_rank` 0 trains
    all weights. `epochs` and `learning_rate` are None for values chosen from the number of examples, the kind of
    training and the width of the base. `batch_size` counts the examples of one process. `max_tokens` bounds a query,
    `max_value_tokens` all values of a call together. Where fewer calibration examples than `calibration_wanted` are
    given (too few to certify much), `folds` more students, each of a part of the training examples, are asked about
    the rest of them (None: three where the examples are few, else two); that takes long.
    """

    family: ClassVar[str] = "causal"

    base: str = ""
    epochs: int | None = None
    seed: int = 0
    batch_size: int = 16
    learning_rate: float | None = None
    weight_decay: float = 0.01
    warmup_share: float = 0.05
    lora_rank: int = 16
    max_tokens: int = 96
    max_value_tokens: int = 128
    folds: int | None = None
    calibration_wanted: int = 300
    precision: Literal["auto", "float32", "bfloat16"] = "auto"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
