"""The families of students: where the parts of each are. They are imported when needed: torch takes seconds."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol

from curation.ml.calls import ComparisonRules
from curation.ml.tools import ToolSet
from training.students.artifacts import COMMON_FILES
from training.students.base import Example, ProgressCallback, Reader
from training.students.causal.config import CausalConfig
from training.students.encoder.config import EncoderConfig

CONFIGS: dict[str, type[EncoderConfig] | type[CausalConfig]] = {"encoder": EncoderConfig, "causal": CausalConfig}
PACKAGES = {"encoder": "training.students.encoder", "causal": "training.students.causal"}
SERVED_FILES = {
    "encoder": ("model.onnx", "tokenizer.json", *COMMON_FILES),
    "causal": ("config.json", "model.safetensors", "tokenizer.json", *COMMON_FILES),
}
"""The files that a gateway loads."""


class StudentConfig(Protocol):
    """How a student is built and trained: what the configurations of all families share."""

    family: ClassVar[str]

    @property
    def seed(self) -> int: ...

    @property
    def folds(self) -> int | None: ...

    @property
    def calibration_wanted(self) -> int: ...

    def as_json(self) -> dict[str, Any]: ...


class Learned(Protocol):
    """A trained network, before it is written. `device` says what it was trained on: `cpu`, `cuda`."""

    device: str
    curve: list[dict[str, float]]

    @property
    def functions(self) -> int: ...

    @property
    def parameters(self) -> int: ...

    def write(
        self, folder: Path, tools: ToolSet, examples: Sequence[Example], rules: ComparisonRules, /
    ) -> dict[str, Any]:
        """Writes the family's files and says what there is to say of them, as JSON. `examples` were not learned."""
        ...

    def meta(self) -> dict[str, Any]:
        """What the family's `load_reader` needs to know besides the files, as JSON."""
        ...


class Family(Protocol):
    """The `learning` module of a family."""

    def learn(
        self,
        examples: Sequence[Example],
        tools: ToolSet,
        config: Any,
        progress: ProgressCallback,
        checkpoints: Path | None,
        fingerprint: str,
        /,
    ) -> Learned: ...


def family_of(config: StudentConfig) -> Family:
    module: Family = import_module(f"{PACKAGES[config.family]}.learning")
    return module


def load_reader(folder: Path, meta: dict[str, Any], tools: ToolSet) -> Reader:
    """The reader of an artifact folder. Raises KeyError where the family is not known."""
    reader: Reader = import_module(f"{PACKAGES[meta['family']]}.serving").load_reader(folder, meta, tools)
    return reader


def meta_of(learned: Learned, config: StudentConfig) -> dict[str, Any]:
    """What `load_reader` needs to know of a network, as JSON."""
    return {"family": config.family, "config": config.as_json(), **learned.meta()}
