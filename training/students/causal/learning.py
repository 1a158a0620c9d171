"""From examples to a trained causal model. Torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from curation.ml.calls import ComparisonRules
from curation.ml.tools import ToolSet
from training.students.base import Example, ProgressCallback, check_enough
from training.students.causal.config import CausalConfig
from training.students.causal.network import add_tokens, load_base, merged, rows_of, save_model, width_of, with_adapters
from training.students.causal.optimisation import Trainer
from training.students.causal.samples import make_samples
from training.students.causal.template import Template
from training.students.causal.text import TextCodec
from training.students.causal.vocabulary import NewTokens, new_tokens
from training.students.reporting import Curve


@dataclass(slots=True)
class LearnedCausal:
    """A model with what it takes to read its answers; satisfies `training.students.families.Learned`."""

    model: PreTrainedModel
    codec: TextCodec
    tokens: NewTokens
    dtype: torch.dtype
    device: str
    curve: Curve

    @property
    def functions(self) -> int:
        return len(self.tokens.functions)

    @property
    def parameters(self) -> int:
        return len(self.tokens.parameters)

    def write(
        self, folder: Path, tools: ToolSet, examples: Sequence[Example], rules: ComparisonRules
    ) -> dict[str, Any]:
        self.codec.save(folder / "tokenizer.json")
        weights = sum(weight.numel() for weight in self.model.parameters())
        save_model(self.model, folder, self.dtype)
        return {"weights": weights, "precision": str(self.dtype).removeprefix("torch.")}

    def meta(self) -> dict[str, Any]:
        return {"tokens": self.tokens.as_json(), "start": self.codec.start}


def learn(
    examples: Sequence[Example],
    tools: ToolSet,
    config: CausalConfig,
    progress: ProgressCallback,
    checkpoints: Path | None,
    fingerprint: str,
) -> LearnedCausal:
    """Trains a model on the examples. Where several processes share the training, each returns the same.

    Raises:
        TrainingError: there is nothing to learn from, or no base model to learn with.
        RunCancelled: from `progress`.
    """
    base = load_base(config.base)
    torch.manual_seed(config.seed)
    tokens = new_tokens(rows_of(base.model), _called(examples, tools), tools)
    template = Template(tools, tokens, base.codec)
    samples = make_samples(examples, template, config.max_tokens)
    check_enough(sum(sample.calls for sample in samples))
    add_tokens(base, tokens.texts(tools))
    width = width_of(base.model)
    added = range(tokens.base, tokens.base + len(tokens))
    network = with_adapters(base.model, config.lora_rank, added) if config.lora_rank else base.model
    trainer = Trainer(network, width, samples, template, config)
    trainer.run(progress, checkpoints, fingerprint)
    dtype = torch.float32 if config.precision == "float32" else torch.bfloat16
    return LearnedCausal(merged(trainer.network), base.codec, tokens, dtype, trainer.device, trainer.curve)


def _called(examples: Sequence[Example], tools: ToolSet) -> list[str]:
    """The functions that simple queries call, in the order of the tool set."""
    seen = Counter(example.call.name for example in examples if example.call and example.route == "simple")
    return [name for name in tools.functions if seen[name]]
