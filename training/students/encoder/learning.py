"""From examples to a trained network. Torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from curation.ml.calls import ComparisonRules
from curation.ml.tools import ToolSet
from training.students.base import Example, ProgressCallback, check_enough
from training.students.encoder.config import EncoderConfig
from training.students.encoder.decoding import Decoder
from training.students.encoder.export import write_network
from training.students.encoder.labels import LabelSpace, learn_labels
from training.students.encoder.network import StudentNetwork, base_folder, load_pretrained, read_shape
from training.students.encoder.optimisation import Trainer
from training.students.encoder.samples import Sample, make_samples
from training.students.encoder.text import QueryEncoder
from training.students.reporting import Curve


@dataclass(slots=True)
class LearnedEncoder:
    """A network with what it takes to read its answers; satisfies `training.students.families.Learned`."""

    network: StudentNetwork
    encoder: QueryEncoder
    labels: LabelSpace
    device: str
    curve: Curve

    @property
    def functions(self) -> int:
        return len(self.labels.functions)

    @property
    def parameters(self) -> int:
        return sum(map(len, self.labels.spanned.values())) + len(self.labels.closed)

    def write(
        self, folder: Path, tools: ToolSet, examples: Sequence[Example], rules: ComparisonRules
    ) -> dict[str, Any]:
        self.encoder.save(folder / "tokenizer.json")
        return asdict(write_network(self.network, self.encoder, Decoder(self.labels, tools), examples, rules, folder))

    def meta(self) -> dict[str, Any]:
        return {"labels": self.labels.as_json()}


def learn(
    examples: Sequence[Example],
    tools: ToolSet,
    config: EncoderConfig,
    progress: ProgressCallback,
    checkpoints: Path | None,
    fingerprint: str,
) -> LearnedEncoder:
    """Trains a network on the examples. Where several processes share the training, each returns the same.

    Raises:
        TrainingError: there is nothing to learn from.
        RunCancelled: from `progress`.
    """
    base = base_folder(config.base)
    shape = read_shape(base, config.layers)
    encoder = QueryEncoder.from_file(base / "tokenizer.json", config.max_tokens)
    labels = learn_labels(examples, tools, config.closed_values)
    samples = make_samples(examples, labels, encoder)
    check_enough(sum(sample.tagged for sample in samples))
    torch.manual_seed(config.seed)
    network = StudentNetwork(shape, labels, config.dropout, _seen_pieces(samples))
    load_pretrained(network, base)
    trainer = Trainer(network, samples, labels, config, encoder.marks)
    trainer.run(progress, checkpoints, fingerprint)
    return LearnedEncoder(network, encoder, labels, trainer.device, trainer.curve)


def _seen_pieces(samples: Sequence[Sample]) -> torch.Tensor:
    pieces = [run.pieces for sample in samples for run in sample.runs]
    return torch.from_numpy(np.unique(np.concatenate(pieces)))
