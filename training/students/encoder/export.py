"""The files of an encoder student, written from a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from safetensors.torch import save_file

from curation.ml.calls import ComparisonRules, same_call
from curation.ml.tools import ToolSet
from training.students.base import Example
from training.students.encoder.decoding import Decoder
from training.students.encoder.graph import build_graph, quantise
from training.students.encoder.network import StudentNetwork
from training.students.encoder.serving import EncoderReader, OnnxNetwork
from training.students.encoder.text import QueryEncoder

LARGEST_LOSS = 0.01
"""The most exact matches, as a share, that eight-bit weights may cost."""
COMPARED = 1000
"""Calibration examples on which the two networks are compared."""


@dataclass(frozen=True, slots=True)
class Quantisation:
    """Whether `model.onnx` has eight-bit weights, on which share of the compared queries both networks decode the
    same, and which share of exact matches eight bits cost (negative: gain)."""

    quantised: bool
    agreement: float
    loss: float


def write_network(
    network: StudentNetwork,
    encoder: QueryEncoder,
    decoder: Decoder,
    examples: Sequence[Example],
    rules: ComparisonRules,
    folder: Path,
) -> Quantisation:
    """Writes `model.safetensors` and `model.onnx`, in eight bits where that costs little on the examples."""
    save_file(network.state_dict(), folder / "model.safetensors")
    exact, small, model = (folder / name for name in ("float.onnx", "small.onnx", "model.onnx"))
    _save_graph(network, exact, small_words=False)
    _save_graph(network, model, small_words=True)
    quantise(model, small)
    before, after = (EncoderReader(encoder, OnnxNetwork(path), decoder) for path in (exact, small))
    outcome = _compare(before, after, decoder.tools, examples[:COMPARED], rules)
    (small if outcome.quantised else exact).replace(model)
    (exact if outcome.quantised else small).unlink()
    return outcome


def _save_graph(network: StudentNetwork, path: Path, *, small_words: bool) -> None:
    shape = network.shape
    weights = weights_of(network)
    onnx.save(build_graph(weights, shape.layers, shape.heads, shape.norm_epsilon, small_words=small_words), path)


def _compare(
    exact: EncoderReader, small: EncoderReader, tools: ToolSet, examples: Sequence[Example], rules: ComparisonRules
) -> Quantisation:
    if not examples:
        return Quantisation(True, 1.0, 0.0)
    pairs = [(exact(example.query), small(example.query), example.call) for example in examples]
    same = sum(same_call(one.call, other.call, tools, rules) for one, other, _ in pairs)
    lost = sum(
        same_call(one.call, call, tools, rules) - same_call(other.call, call, tools, rules)
        for one, other, call in pairs
    )
    loss = lost / len(pairs)
    return Quantisation(loss <= LARGEST_LOSS, same / len(pairs), loss)


def weights_of(network: StudentNetwork) -> dict[str, np.ndarray]:
    """Weights by name, with the word embeddings as one table."""
    weights = {name: value.detach().numpy() for name, value in network.named_parameters()}
    return {**weights, "words": network.word_embeddings().numpy()}
