"""Settings of the encoder family."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """How an encoder student is built and trained. JSON-able with `as_json`; recorded in the artifact.

    `base` is a folder with a BERT encoder (`config.json`, `model.safetensors`, `tokenizer.json`); empty for the
    packaged MiniLM. `epochs` is None for a number chosen from the number of examples. Where fewer calibration
    examples than `calibration_wanted` are given, `folds` more students, each of a part of the training examples, are
    asked about the rest of them; None for three where the examples are few, else two.
    """

    family: ClassVar[str] = "encoder"

    layers: int = 3
    epochs: int | None = None
    seed: int = 0
    batch_size: int = 32
    learning_rate: float = 2e-4
    head_learning_rate: float = 1e-3
    layer_decay: float = 0.9
    weight_decay: float = 0.01
    warmup_share: float = 0.1
    dropout: float = 0.1
    label_smoothing: float = 0.0
    swap_probability: float = 0.3
    lower_case_probability: float = 0.2
    max_tokens: int = 96
    closed_values: int = 64
    folds: int | None = None
    calibration_wanted: int = 10_000
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    base: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
