"""A trained student of any family, ready to answer. Torch is imported for the causal family alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from curation.ml.tools import hash_functions, parse_tools
from training.students.artifacts import ArtifactError, require_files, verify_manifest
from training.students.base import Prediction
from training.students.families import SERVED_FILES, load_reader
from training.students.gate import Gate
from training.students.memo import Memo

OTHER_VERSION = "The student in {folder} was written by another version of this program; train it again."


class ServedStudent:
    """An immutable student loaded from its artifact; satisfies `training.students.base.Student`."""

    def __init__(self, folder: Path, meta: dict[str, Any]) -> None:
        self.version: str = meta["version"]
        self.threshold: float | None = meta["threshold"]
        self.tools = parse_tools(meta["tools"])
        self.tool_set_sha256 = self.tools.sha256
        self.functions = hash_functions(meta["tools"])
        self.meta = meta
        self.memo = Memo.load(folder / "memo.json")
        self._gate = Gate.from_json(meta["gate"])
        require_files(folder, SERVED_FILES[meta["family"]])
        self._read = load_reader(folder, meta, self.tools)
        if self._gate.names != self._read.features:
            raise ValueError("the gate judges by other features")

    def predict(self, queries: Sequence[str]) -> list[Prediction]:
        """One prediction per query. Queries never share a pass, so an answer does not depend on its neighbours."""
        return [self._predict(query) for query in queries]

    def _predict(self, query: str) -> Prediction:
        decoded = self._read(query)
        if decoded.call is None or decoded.features is None:
            return Prediction(None, 0.0, decoded.reason)
        return Prediction(decoded.call, float(self._gate.probability(np.atleast_2d(decoded.features))[0]))


def load_student(folder: Path) -> ServedStudent:
    """Raises ArtifactError where the folder holds no whole student."""
    verify_manifest(folder)
    try:
        return ServedStudent(folder, json.loads((folder / "meta.json").read_text()))
    except ArtifactError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(OTHER_VERSION.format(folder=folder)) from error
