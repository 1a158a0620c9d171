"""A trained encoder student, ready to read queries: ONNX Runtime and tokenizers, no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnxruntime as ort

from curation.ml.tools import ToolSet
from training.students.base import UNREADABLE, Decoded
from training.students.encoder.decoding import FEATURES, Decoder, Logits
from training.students.encoder.labels import LabelSpace
from training.students.encoder.text import EncodedQuery, QueryEncoder

SLOWER_WHEN_FUSED = ["SkipLayerNormFusion"]
"""Graph optimisations of ONNX Runtime that cost time on a CPU; see `GraphBuilder.norm`."""


class OnnxNetwork:
    """The network in ONNX Runtime: one query at a time, on one thread. Thread-safe."""

    def __init__(self, path: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.enable_mem_pattern = False  # it plans memory by the length of the query, and lengths change
        self._session = ort.InferenceSession(
            path, options, providers=["CPUExecutionProvider"], disabled_optimizers=SLOWER_WHEN_FUSED
        )

    def __call__(self, query: EncodedQuery) -> Logits:
        inputs = {
            "pieces": query.pieces[None],
            "casings": query.casings[None],
            "first_pieces": query.first_pieces,
        }
        answers, tags, values, pooled = self._session.run(["answers", "tags", "values", "pooled"], inputs)
        return Logits(answers[0], tags, values[0], pooled[0])


class EncoderReader:
    """From a query to a decoded call, before the gate."""

    features = FEATURES

    def __init__(self, encoder: QueryEncoder, network: OnnxNetwork, decoder: Decoder) -> None:
        self._encoder = encoder
        self._network = network
        self._decoder = decoder

    def __call__(self, query: str) -> Decoded:
        encoded = self._encoder(query)
        if encoded is None:
            return Decoded(None, UNREADABLE)
        return self._decoder(encoded, self._network(encoded))


def load_reader(folder: Path, meta: dict[str, Any], tools: ToolSet) -> EncoderReader:
    """The reader of an artifact folder; `meta` is its meta.json."""
    encoder = QueryEncoder.from_file(folder / "tokenizer.json", meta["config"]["max_tokens"])
    decoder = Decoder(LabelSpace.from_json(meta["labels"]), tools)
    return EncoderReader(encoder, OnnxNetwork(folder / "model.onnx"), decoder)
