"""The training loop of the encoder family. Torch; Accelerate spreads it over several processes and devices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from training.students.base import ProgressCallback
from training.students.checkpoints import restore_checkpoint, save_checkpoint
from training.students.encoder.config import EncoderConfig
from training.students.encoder.labels import LabelSpace
from training.students.encoder.network import EncoderLayer, Outputs, StudentNetwork
from training.students.encoder.samples import IGNORED, Arrays, Augmenter, Sample, assemble
from training.students.reporting import Curve, Reporter, silent
from training.students.schedule import batches, rate_factor, share_of, use_bfloat16

MINIMUM_STEPS = 1000


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded tensors of one step; see `StudentNetwork.forward`. `values` [batch, closed parameters]."""

    pieces: Tensor
    casings: Tensor
    first_pieces: Tensor
    present: Tensor
    tags: Tensor
    answers: Tensor
    values: Tensor
    weights: Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(*(getattr(self, field.name).to(device) for field in fields(self)))


def epochs_for(config: EncoderConfig, samples: int) -> int:
    """The number asked for, else five passes, and more where the examples are few."""
    steps = math.ceil(samples / config.batch_size)
    return config.epochs or min(40, max(5, math.ceil(MINIMUM_STEPS / steps)))


class Trainer:
    """Trains a network in place. Every epoch draws its random numbers from (seed, epoch): a run that resumes from a
    checkpoint ends with the same weights as one that was never stopped.

    Where several processes share the training, each takes its share of the batches of an epoch; the first alone
    reports and writes checkpoints.
    """

    def __init__(
        self,
        network: StudentNetwork,
        samples: Sequence[Sample],
        labels: LabelSpace,
        config: EncoderConfig,
        marks: tuple[int, int],
    ) -> None:
        self.samples = samples
        self.labels = labels
        self.config = config
        self.marks = marks
        self.epochs = epochs_for(config, len(samples))
        self.curve: Curve = []
        self._accelerator = Accelerator()
        self._augment = Augmenter(samples, config.swap_probability, config.lower_case_probability)
        optimiser = torch.optim.AdamW(_parameter_groups(network, config), fused=True)
        self._peaks = [group["lr"] for group in optimiser.param_groups]
        network.value_head.requires_grad_(bool(labels.closed))  # processes wait for every gradient that is wanted
        self._network, self._optimiser = self._accelerator.prepare(network.to(self._accelerator.device), optimiser)
        whole = math.ceil(len(samples) / config.batch_size)
        self._steps_per_epoch = math.ceil(whole / self._accelerator.num_processes)
        self._half = use_bfloat16(config.precision, self._accelerator.device)

    @property
    def network(self) -> StudentNetwork:
        """The network itself, whatever it was wrapped in."""
        network: StudentNetwork = self._accelerator.unwrap_model(self._network)
        return network

    @property
    def device(self) -> str:
        """What it computes on: `cpu`, `cuda`."""
        return str(self._accelerator.device.type)

    def run(self, progress: ProgressCallback, checkpoints: Path | None, fingerprint: str) -> None:
        """Raises RunCancelled when the callback does."""
        state = restore_checkpoint(checkpoints, fingerprint, self.network, self._optimiser)
        first = state["epoch"] if state else 0
        self.curve = state["curve"] if state else []
        total = self.epochs * self._steps_per_epoch
        is_main = self._accelerator.is_main_process
        reporter = Reporter(progress if is_main else silent, first * self._steps_per_epoch, total, self.curve)
        for epoch in range(first, self.epochs):
            self._epoch(epoch, reporter)
            if checkpoints and is_main:
                state = {"epoch": epoch + 1, "curve": self.curve, "fingerprint": fingerprint}
                save_checkpoint(checkpoints, self.network, self._optimiser, state)
        self._accelerator.wait_for_everyone()
        self.network.cpu().eval()

    def _epoch(self, epoch: int, reporter: Reporter) -> None:
        random = np.random.default_rng([self.config.seed, epoch])
        torch.manual_seed(self.config.seed * 1000 + epoch)
        self._network.train()
        drawn = [self._augment(sample, random) for sample in self.samples]
        lengths = np.array([sample.length for sample in drawn])
        whole = list(batches(lengths, self.config.batch_size, random))
        share = share_of(whole, self._accelerator.process_index, self._accelerator.num_processes)
        for number, indices in enumerate(share):
            arrays = [self._augment.lowered(assemble(drawn[index], *self.marks), random) for index in indices]
            batch = make_batch(arrays, [drawn[index] for index in indices], len(self.labels.closed))
            self._set_learning_rates(epoch * self._steps_per_epoch + number)
            reporter.step(epoch + 1, *self._step(batch.to(self._accelerator.device)))

    def _step(self, batch: Batch) -> tuple[float, float]:
        """One step; the loss and the share of right answers of the batch before it."""
        with torch.autocast(batch.pieces.device.type, dtype=torch.bfloat16, enabled=self._half):
            outputs = self._network(batch.pieces, batch.casings, batch.first_pieces, batch.present)
        loss = loss_of(outputs, batch, self.labels, self.config.label_smoothing)
        self._optimiser.zero_grad(set_to_none=True)
        self._accelerator.backward(loss)
        self._accelerator.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimiser.step()
        right = (outputs.answers.argmax(-1) == batch.answers).float().mean()
        return loss.item(), right.item()

    def _set_learning_rates(self, step: int) -> None:
        total = self.epochs * self._steps_per_epoch
        factor = rate_factor(step, total, self.config.warmup_share)
        for group, peak in zip(self._optimiser.param_groups, self._peaks, strict=True):
            group["lr"] = peak * factor


def _parameter_groups(network: StudentNetwork, config: EncoderConfig) -> list[dict[str, object]]:
    """Lower layers learn more slowly; biases and norms do not decay."""
    depth = len(network.layers)
    rates: dict[int, float] = {}
    embedding = config.learning_rate * config.layer_decay**depth
    for parameter in (network.changes, network.positions, network.casings, *network.embedding_norm.parameters()):
        rates[id(parameter)] = embedding
    for index, layer in enumerate(network.layers):
        assert isinstance(layer, EncoderLayer)
        for parameter in layer.parameters():
            rates[id(parameter)] = config.learning_rate * config.layer_decay ** (depth - 1 - index)
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        decays = parameter.dim() > 1 and name != "changes"
        key = rates.get(id(parameter), config.head_learning_rate), config.weight_decay if decays else 0.0
        groups.setdefault(key, []).append(parameter)
    return [{"params": params, "lr": rate, "weight_decay": decay} for (rate, decay), params in groups.items()]


def loss_of(outputs: Outputs, batch: Batch, labels: LabelSpace, smoothing: float) -> Tensor:
    """Cross-entropies of the answer, the tags and the closed values, summed per example and averaged by weight."""
    answer_logits, tag_logits = outputs.answers.float(), outputs.tags.float()
    losses = nn.functional.cross_entropy(answer_logits, batch.answers, reduction="none", label_smoothing=smoothing)
    tags = nn.functional.cross_entropy(tag_logits.transpose(1, 2), batch.tags, reduction="none", ignore_index=IGNORED)
    losses = losses + tags.sum(-1) * TAG_LOSS
    for index, head in enumerate(labels.closed):
        logits = outputs.values[:, head.offset : head.end].float()
        target = batch.values[:, index]
        losses = losses + nn.functional.cross_entropy(logits, target, reduction="none", ignore_index=IGNORED)
    return (losses * batch.weights).sum() / batch.weights.sum()


TAG_LOSS = 0.3
"""Weight of one word's tag beside one query's answer."""


def make_batch(arrays: Sequence[Arrays], samples: Sequence[Sample], closed: int) -> Batch:
    """Pads the arrays of a step to the longest."""
    values = np.full((len(samples), closed), IGNORED)
    for row, sample in enumerate(samples):
        for index, value in sample.values:
            values[row, index] = value
    pieces = _pad([item.pieces for item in arrays], 0)
    lengths = torch.tensor([len(item.pieces) for item in arrays])
    return Batch(
        pieces=pieces,
        casings=_pad([item.casings for item in arrays], 0),
        first_pieces=_pad([item.first_pieces for item in arrays], 0),
        present=torch.arange(pieces.shape[1]) < lengths.unsqueeze(1),
        tags=_pad([item.tags for item in arrays], IGNORED),
        answers=torch.tensor([sample.answer for sample in samples]),
        values=torch.from_numpy(values),
        weights=torch.tensor([sample.weight for sample in samples]),
    )


def _pad(arrays: Sequence[np.ndarray], filling: int) -> Tensor:
    padded = np.full((len(arrays), max(map(len, arrays))), filling, dtype=np.int64)
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return torch.from_numpy(padded)
