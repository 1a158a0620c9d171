"""The training loop of the causal family. Torch; Accelerate spreads it over several processes and devices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from training.students.base import ProgressCallback
from training.students.causal.config import CausalConfig
from training.students.causal.network import logits_of
from training.students.causal.samples import Batch, Sample, drawn, make_batch
from training.students.causal.template import Template
from training.students.checkpoints import restore_checkpoint, save_checkpoint
from training.students.reporting import Curve, Reporter, silent
from training.students.schedule import rate_factor, share_of, use_bfloat16

MINIMUM_STEPS = 1000
LORA_RATE, FULL_RATE, RATED_WIDTH = 2e-3, 2e-4, 576
"""Learning rates for a base of this width; wider ones learn at rates that fall with their width."""
FORBIDDEN = -1e9


def epochs_for(config: CausalConfig, samples: int) -> int:
    """The number asked for, else three passes, and more where the examples are few."""
    steps = math.ceil(samples / config.batch_size)
    return config.epochs or min(20, max(3, math.ceil(MINIMUM_STEPS / steps)))


def rate_for(config: CausalConfig, width: int) -> float:
    """The rate of the kind of training, less for wide networks (Yang et al., "Tensor Programs V", 2022)."""
    return (LORA_RATE if config.lora_rank else FULL_RATE) * min(1.0, RATED_WIDTH / width)


class Trainer:
    """Trains a network in place. Every epoch draws its random numbers from (seed, epoch): a run that resumes from a
    checkpoint ends with the same weights as one that was never stopped.

    Where several processes share the training, each takes its share of the batches of an epoch; the first alone
    reports and writes checkpoints.
    """

    def __init__(
        self, network: nn.Module, width: int, samples: Sequence[Sample], template: Template, config: CausalConfig
    ) -> None:
        self.samples = samples
        self.config = config
        self.epochs = epochs_for(config, len(samples))
        self.curve: Curve = []
        self._template = template
        self._accelerator = Accelerator()
        self._trained = nn.ParameterList(weight for weight in network.parameters() if weight.requires_grad)
        self._rate = config.learning_rate or rate_for(config, width)
        groups = _parameter_groups(self._trained, config.weight_decay)
        optimiser = torch.optim.AdamW(groups, lr=self._rate, fused=True)
        network = network.to(self._accelerator.device)
        self._network, self._optimiser = self._accelerator.prepare(network, optimiser)
        self._half = use_bfloat16(config.precision, self._accelerator.device)
        whole = math.ceil(len(samples) / config.batch_size)
        self._steps_per_epoch = math.ceil(whole / self._accelerator.num_processes)

    @property
    def network(self) -> nn.Module:
        """The network itself, whatever it was wrapped in."""
        network: nn.Module = self._accelerator.unwrap_model(self._network)
        return network

    @property
    def device(self) -> str:
        """What it computes on: `cpu`, `cuda`."""
        return str(self._accelerator.device.type)

    def run(self, progress: ProgressCallback, checkpoints: Path | None, fingerprint: str) -> None:
        """Raises RunCancelled when the callback does."""
        state = restore_checkpoint(checkpoints, fingerprint, self._trained, self._optimiser)
        first = state["epoch"] if state else 0
        self.curve = state["curve"] if state else []
        total = self.epochs * self._steps_per_epoch
        is_main = self._accelerator.is_main_process
        reporter = Reporter(progress if is_main else silent, first * self._steps_per_epoch, total, self.curve)
        for epoch in range(first, self.epochs):
            self._epoch(epoch, reporter)
            if checkpoints and is_main:
                state = {"epoch": epoch + 1, "curve": self.curve, "fingerprint": fingerprint}
                save_checkpoint(checkpoints, self._trained, self._optimiser, state)
        self._accelerator.wait_for_everyone()
        self.network.eval()

    def _epoch(self, epoch: int, reporter: Reporter) -> None:
        torch.manual_seed(self.config.seed * 1000 + epoch)
        self._network.train()
        for number, part in enumerate(self._share(epoch)):
            self._set_learning_rate(epoch * self._steps_per_epoch + number)
            batch = make_batch(part, self._template).to(self._accelerator.device)
            reporter.step(epoch + 1, *self._step(batch))

    def _share(self, epoch: int) -> list[list[Sample]]:
        random = np.random.default_rng([self.config.seed, epoch])
        whole = list(drawn(self.samples, self.config.batch_size, random))
        return share_of(whole, self._accelerator.process_index, self._accelerator.num_processes)

    def _step(self, batch: Batch) -> tuple[float, float]:
        """One step; the loss and the share of right answers of the batch before it."""
        with torch.autocast(batch.tokens.device.type, dtype=torch.bfloat16, enabled=self._half):
            logits = logits_of(self._network, batch.tokens, batch.present, batch.targets.shape[1])
        loss, right = loss_of(logits.float(), batch, self._template.tokens.base)
        self._optimiser.zero_grad(set_to_none=True)
        self._accelerator.backward(loss)
        self._accelerator.clip_grad_norm_(self._trained, 1.0)
        self._optimiser.step()
        return loss.item(), right

    def _set_learning_rate(self, step: int) -> None:
        factor = rate_factor(step, self.epochs * self._steps_per_epoch, self.config.warmup_share)
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate * factor


def loss_of(logits: Tensor, batch: Batch, base: int) -> tuple[Tensor, float]:
    """Cross-entropy of the answers' tokens among those that their states allow, summed per answer and averaged by
    weight; and the share of answers whose first token, function or refusal, is the likeliest. `logits` [batch, answer,
    vocabulary]; of the vocabulary, the tokens from `base` on are the new ones."""
    spoken = logits[..., :base].logsumexp(-1).masked_fill(~batch.text[batch.states], FORBIDDEN)
    new = logits[..., base:].masked_fill(~batch.legal[batch.states], FORBIDDEN)
    chosen = logits.gather(-1, batch.targets.unsqueeze(-1)).squeeze(-1)
    losses = torch.logaddexp(spoken, new.logsumexp(-1)) - chosen
    total = (losses * batch.weights).sum() / batch.weights[:, 0].sum()
    right = new[:, 0].argmax(-1) + base == batch.targets[:, 0]
    return total, float(right.float().mean())


def _parameter_groups(weights: nn.ParameterList, decay: float) -> list[dict[str, Any]]:
    """Biases and norms do not decay."""
    matrices = [weight for weight in weights if weight.dim() > 1]
    vectors = [weight for weight in weights if weight.dim() < 2]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0}]
