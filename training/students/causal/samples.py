"""Examples as token sequences, and batches of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.students.base import Example
from training.students.causal.template import State, Step, Template
from training.students.causal.vocabulary import ANSWER, COMPLEX, NO_CALL
from training.students.schedule import batches


@dataclass(frozen=True, slots=True)
class Sample:
    """A query with its answer; `prompt` ends with the answer's mark. `calls` says whether the answer is a call."""

    prompt: tuple[int, ...]
    steps: tuple[Step, ...]
    calls: bool
    weight: float

    @property
    def length(self) -> int:
        return len(self.prompt) + len(self.steps)


@dataclass(frozen=True, slots=True)
class Batch:
    """`tokens` and `present` [batch, prompt + answer - 1], queries aligned at their ends, so that the answers begin in
    one column; `targets`, `states` and `weights` [batch, answer]. `states` are rows of `legal` [states, new tokens]
    and `text` [states]; the weight of padding is 0."""

    tokens: Tensor
    present: Tensor
    targets: Tensor
    states: Tensor
    weights: Tensor
    legal: Tensor
    text: Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(*(getattr(self, name).to(device) for name in self.__slots__))


def make_samples(examples: Sequence[Example], template: Template, max_tokens: int) -> list[Sample]:
    """Leaves out queries that cannot be read."""
    samples = (_sample(example, template, max_tokens) for example in examples)
    return [sample for sample in samples if sample is not None]


def _sample(example: Example, template: Template, max_tokens: int) -> Sample | None:
    query = template.codec.query(example.query, max_tokens)
    if query is None:
        return None
    start = template.codec.start
    prompt = (*([] if start is None else [start]), *query, template.tokens.mark(ANSWER))
    weight = 1.0 + float(np.log(max(example.weight, 1.0)))
    if example.call is None or example.route == "no_call":
        return Sample(prompt, tuple(template.refusal(NO_CALL)), False, weight)
    written = template.written(example.call) if example.route == "simple" else None
    return Sample(prompt, tuple(written or template.refusal(COMPLEX)), written is not None, weight)


def drawn(samples: Sequence[Sample], size: int, random: np.random.Generator) -> Iterator[list[Sample]]:
    """All samples in batches of about equal lengths, in random order."""
    lengths = np.array([sample.length for sample in samples])
    for indices in batches(lengths, size, random):
        yield [samples[index] for index in indices]


def make_batch(samples: Sequence[Sample], template: Template) -> Batch:
    """Queries padded before their first token, answers after their last."""
    states = list(dict.fromkeys(step.state for sample in samples for step in sample.steps))
    asked, answered = (max(len(part) for part in parts) for parts in _parts(samples))
    tokens = np.zeros((len(samples), asked + answered - 1), dtype=np.int64)
    present = np.zeros(tokens.shape, dtype=bool)
    targets = np.zeros((len(samples), answered), dtype=np.int64)
    rows = np.zeros(targets.shape, dtype=np.int64)
    weights = np.zeros(targets.shape, dtype=np.float32)
    for row, sample in enumerate(samples):
        answer = [step.token for step in sample.steps]
        first, end = asked - len(sample.prompt), asked + len(answer) - 1
        tokens[row, first:end] = [*sample.prompt, *answer[:-1]]
        present[row, first:end] = True
        targets[row, : len(answer)] = answer
        rows[row, : len(answer)] = [states.index(step.state) for step in sample.steps]
        weights[row, : len(answer)] = sample.weight
    legal, text = _legal(states, template)
    return Batch(*map(torch.from_numpy, (tokens, present, targets, rows, weights, legal, text)))


def _parts(samples: Sequence[Sample]) -> tuple[list[Sequence[object]], list[Sequence[object]]]:
    return [sample.prompt for sample in samples], [sample.steps for sample in samples]


def _legal(states: Sequence[State], template: Template) -> tuple[np.ndarray, np.ndarray]:
    legal = np.zeros((len(states), len(template.tokens)), dtype=bool)
    for row, state in enumerate(states):
        legal[row, np.array(state.tokens, dtype=np.int64) - template.tokens.base] = True
    return legal, np.array([state.text for state in states])
