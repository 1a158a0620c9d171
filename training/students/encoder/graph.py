"""The trained network as an ONNX graph for one query at a time: no padding, so no mask."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

CONTRIB = "com.microsoft"


class GraphBuilder:
    """Collects nodes and weights; each method adds a node and returns the name of its output."""

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: np.ndarray) -> str:
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.array(value, order="C"), name)
        return name

    def weight(self, name: str) -> str:
        return self.constant(name, self.weights[name])

    def node(self, kind: str, inputs: list[str], output: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], output, domain=domain, **attributes))
        return output

    def linear(self, name: str, source: str, output: str | None = None) -> str:
        matrix = self.constant(f"{name}.matrix", self.weights[f"{name}.weight"].T)
        product = self.node("MatMul", [source, matrix], f"{name}.product")
        return self.node("Add", [product, self.weight(f"{name}.bias")], output or f"{name}.output")

    def norm(self, name: str, source: str, residual: str, epsilon: float) -> str:
        """Layer norm of the sum of both, as two nodes: on a CPU the fused one takes seven times as long."""
        total = self.node("Add", [source, residual], f"{name}.sum")
        inputs = [total, self.weight(f"{name}.weight"), self.weight(f"{name}.bias")]
        return self.node("LayerNormalization", inputs, f"{name}.output", epsilon=epsilon)


def build_graph(
    weights: Mapping[str, np.ndarray], layers: int, heads: int, epsilon: float, *, small_words: bool
) -> onnx.ModelProto:
    """Inputs `pieces` [1, length], `casings` [1, length], `first_pieces` [words].

    With `small_words` the word embeddings are stored in eight bits, scaled row by row.
    Outputs `answers` [1, answers], `tags` [words, tags], `values` [1, closed values], `pooled` [1, 2 x width].
    """
    graph = GraphBuilder(weights)
    hidden = _embed(graph, epsilon, small_words)
    for index in range(layers):
        hidden = _layer(graph, f"layers.{index}", hidden, heads, epsilon)
    _heads(graph, hidden)
    inputs = [
        helper.make_tensor_value_info("pieces", TensorProto.INT64, [1, "length"]),
        helper.make_tensor_value_info("casings", TensorProto.INT64, [1, "length"]),
        helper.make_tensor_value_info("first_pieces", TensorProto.INT64, ["words"]),
    ]
    outputs = [
        helper.make_tensor_value_info("answers", TensorProto.FLOAT, [1, weights["answer_head.bias"].size]),
        helper.make_tensor_value_info("tags", TensorProto.FLOAT, ["words", weights["tag_head.bias"].size]),
        helper.make_tensor_value_info("values", TensorProto.FLOAT, [1, weights["value_head.bias"].size]),
        helper.make_tensor_value_info("pooled", TensorProto.FLOAT, [1, weights["answer_head.weight"].shape[1]]),
    ]
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid(CONTRIB, 1)]
    body = helper.make_graph(graph.nodes, "student", inputs, outputs, list(graph.constants.values()))
    model = helper.make_model(body, opset_imports=opsets, ir_version=10)
    # Shapes are stated and nothing is left to fold: the quantiser need not ask for its preparation.
    helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})
    return model


def quantise(source: Path, target: Path) -> None:
    """Writes the graph with eight-bit matrices (the heads excepted); activations are scaled as they come."""
    heads = [f"{head}.product" for head in ("answer_head", "tag_head", "value_head")]
    quantize_dynamic(
        source,
        target,
        per_channel=True,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul"],
        nodes_to_exclude=heads,
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )


def _embed(graph: GraphBuilder, epsilon: float, small_words: bool) -> str:
    words = _small_words(graph) if small_words else graph.node("Gather", [graph.weight("words"), "pieces"], "read")
    casings = graph.node(
        "Gather", [graph.constant("casings.table", graph.weights["casings"]), "casings"], "embedded.casings"
    )
    shape = graph.node("Shape", ["pieces"], "embedded.shape", start=1, end=2)
    zero = graph.constant("zero", np.array([0], dtype=np.int64))
    positions = graph.node("Slice", [graph.weight("positions"), zero, shape, zero], "embedded.positions")
    placed = graph.node("Add", [casings, positions], "embedded.placed")
    return graph.norm("embedding_norm", words, placed, epsilon)


def _small_words(graph: GraphBuilder) -> str:
    table = graph.weights["words"]
    scale = np.maximum(np.abs(table).max(axis=1, keepdims=True) / 127, 1e-9).astype(np.float32)
    rows = graph.constant("words.rows", np.round(table / scale).astype(np.int8))
    read = graph.node("Gather", [rows, "pieces"], "words.read")
    scales = graph.node("Gather", [graph.constant("words.scale", scale), "pieces"], "words.scales")
    wide = graph.node("Cast", [read], "words.wide", to=TensorProto.FLOAT)
    return graph.node("Mul", [wide, scales], "words.scaled")


def _layer(graph: GraphBuilder, name: str, hidden: str, heads: int, epsilon: float) -> str:
    qkv = graph.linear(f"{name}.qkv", hidden)
    parts = [f"{name}.query", f"{name}.key", f"{name}.value"]
    graph.nodes.append(helper.make_node("Split", [qkv], parts, f"{name}.split", axis=-1, num_outputs=3))
    mixed = graph.node("MultiHeadAttention", parts, f"{name}.mixed", CONTRIB, num_heads=heads)
    attended = graph.linear(f"{name}.attended", mixed)
    hidden = graph.norm(f"{name}.attended_norm", attended, hidden, epsilon)
    inner = graph.linear(f"{name}.inner", hidden)
    grown = graph.node("Gelu", [inner], f"{name}.grown")
    return graph.norm(f"{name}.outer_norm", graph.linear(f"{name}.outer", grown), hidden, epsilon)


def _heads(graph: GraphBuilder, hidden: str) -> None:
    first = graph.node("Gather", [hidden, graph.constant("first", np.array(0, dtype=np.int64))], "first.hidden", axis=1)
    axis = graph.constant("middle", np.array([1], dtype=np.int64))
    mean = graph.node("ReduceMean", [hidden, axis], "mean.hidden", keepdims=0)
    graph.node("Concat", [first, mean], "pooled", axis=-1)
    flat = graph.node("Squeeze", [hidden, graph.constant("batch", np.array([0], dtype=np.int64))], "flat.hidden")
    at_words = graph.node("Gather", [flat, "first_pieces"], "words.hidden", axis=0)
    graph.linear("answer_head", "pooled", "answers")
    graph.linear("tag_head", at_words, "tags")
    graph.linear("value_head", "pooled", "values")
