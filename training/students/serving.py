"""A trained student, ready to answer: ONNX Runtime and tokenizers, no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from curation.ml.tools import parse_tools
from training.students.artifacts import ArtifactError, verify_manifest
from training.students.base import Prediction
from training.students.decoding import FEATURES, Decoded, Decoder, Logits
from training.students.gate import Gate
from training.students.labels import LabelSpace
from training.students.memo import Memo
from training.students.text import EncodedQuery, QueryEncoder

OTHER_VERSION = "The student in {folder} was written by another version of this program; train it again."
UNREADABLE = "the query is empty or too long"


class OnnxNetwork:
    """The network in ONNX Runtime: one query at a time, on one thread. Thread-safe."""

    def __init__(self, path: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def __call__(self, query: EncodedQuery) -> Logits:
        inputs = {
            "pieces": query.pieces[None],
            "casings": query.casings[None],
            "first_pieces": query.first_pieces,
        }
        answers, tags, values, pooled = self._session.run(["answers", "tags", "values", "pooled"], inputs)
        return Logits(answers[0], tags, values[0], pooled[0])


class Reader:
    """From a query to a decoded call, before the gate."""

    def __init__(self, encoder: QueryEncoder, network: OnnxNetwork, decoder: Decoder) -> None:
        self._encoder = encoder
        self._network = network
        self._decoder = decoder

    def __call__(self, query: str) -> Decoded:
        encoded = self._encoder(query)
        if encoded is None:
            return Decoded(None, UNREADABLE)
        return self._decoder(encoded, self._network(encoded))


class ServedStudent:
    """An immutable student loaded from its artifact; satisfies `training.students.base.Student`."""

    def __init__(self, folder: Path, meta: dict[str, Any]) -> None:
        self.version: str = meta["version"]
        self.threshold: float | None = meta["threshold"]
        self.tools = parse_tools(meta["tools"])
        self.tool_set_sha256 = self.tools.sha256
        self.meta = meta
        self.memo = Memo.load(folder / "memo.json")
        encoder = QueryEncoder.from_file(folder / "tokenizer.json", meta["config"]["max_tokens"])
        decoder = Decoder(LabelSpace.from_json(meta["labels"]), self.tools)
        self._read = Reader(encoder, OnnxNetwork(folder / "model.onnx"), decoder)
        self._gate = Gate.from_json(meta["gate"])

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
        student = ServedStudent(folder, json.loads((folder / "meta.json").read_text()))
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(OTHER_VERSION.format(folder=folder)) from error
    if student.meta["gate"]["names"] != list(FEATURES):
        raise ArtifactError(OTHER_VERSION.format(folder=folder))
    return student
