"""Training samples: encoded queries with their targets, and the augmentation that keeps the targets true."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from curation.ml.tools import canonical_json
from training.students.base import Example
from training.students.encoder.labels import COMPLEX, NO_CALL, LabelSpace
from training.students.encoder.spans import Span, align
from training.students.encoder.text import EncodedQuery, QueryEncoder

REFUSAL_SHARE, LARGEST_FACTOR = 0.1, 5.0
IGNORED = -100
"""Target of what no loss is taken of."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words of a query: a value of parameter `parameter`, or words of no value (-1)."""

    parameter: int
    pieces: np.ndarray
    casings: np.ndarray
    first_pieces: np.ndarray


@dataclass(frozen=True, slots=True)
class Sample:
    """One example for training. `values` holds (closed parameter, value) pairs; `tagged` whether its tags are known."""

    runs: tuple[Piece, ...]
    function: str
    answer: int
    values: tuple[tuple[int, int], ...]
    tagged: bool
    weight: float

    @property
    def length(self) -> int:
        return 2 + sum(len(run.pieces) for run in self.runs)


@dataclass(frozen=True, slots=True)
class Arrays:
    """A sample ready for a batch: `tags[i]` is the tag of the word that begins at piece `first_pieces[i]`."""

    pieces: np.ndarray
    casings: np.ndarray
    first_pieces: np.ndarray
    tags: np.ndarray


def make_samples(examples: Sequence[Example], labels: LabelSpace, encoder: QueryEncoder) -> list[Sample]:
    """One sample per example with a readable query. A simple example that a student cannot answer is to be refused."""
    samples = []
    for example in examples:
        query = encoder(example.query)
        if query is not None:
            samples.append(_sample(example, query, labels))
    return _with_refusals_heard(samples)


def _with_refusals_heard(samples: list[Sample]) -> list[Sample]:
    """Gives rare refusals up to five times their weight: what has no call is endless, and a few stand for it all."""
    refusals = sum(not sample.tagged for sample in samples)
    factor = min(LARGEST_FACTOR, max(1.0, REFUSAL_SHARE * len(samples) / max(1, refusals)))
    return [sample if sample.tagged else replace(sample, weight=factor * sample.weight) for sample in samples]


def _sample(example: Example, query: EncodedQuery, labels: LabelSpace) -> Sample:
    weight = 1.0 + float(np.log(max(example.weight, 1.0)))
    call = example.call
    if call is None or example.route == "no_call":
        return Sample(_runs(query, [], labels), "", labels.answers.index(NO_CALL), (), False, weight)
    refused = Sample(_runs(query, [], labels), "", labels.answers.index(COMPLEX), (), False, weight)
    if example.route != "simple" or call.name not in labels.functions:
        return refused
    values = _closed_values(example, labels)
    spans = align(call, {labels.parameters[index] for index in labels.spanned[call.name]}, query)
    if spans is None or values is None:
        return refused
    answer = labels.functions.index(call.name)
    return Sample(_runs(query, spans, labels), call.name, answer, values, True, weight)


def _closed_values(example: Example, labels: LabelSpace) -> tuple[tuple[int, int], ...] | None:
    """The value of each closed parameter of the example's function; None where one was never seen."""
    assert example.call is not None
    targets = []
    for index in labels.closed_of[example.call.name]:
        head = labels.closed[index]
        if head.name not in example.call.arguments:
            targets.append((index, 0))
            continue
        wanted = canonical_json(example.call.arguments[head.name])
        known = [canonical_json(value) for value in head.values[1:]]
        if wanted not in known:
            return None
        targets.append((index, 1 + known.index(wanted)))
    return tuple(targets)


def _runs(query: EncodedQuery, spans: list[Span], labels: LabelSpace) -> tuple[Piece, ...]:
    bounds = [*query.first_pieces.tolist(), len(query.pieces) - 1]
    runs = []
    word = 0
    for span in [*spans, Span("", len(query.words), len(query.words) - 1)]:
        if span.first > word:
            runs.append(_run(query, bounds, word, span.first, -1))
        if span.parameter:
            runs.append(_run(query, bounds, span.first, span.last + 1, labels.parameters.index(span.parameter)))
        word = span.last + 1
    return tuple(runs)


def _run(query: EncodedQuery, bounds: list[int], first: int, end: int, parameter: int) -> Piece:
    start, stop = bounds[first], bounds[end]
    firsts = query.first_pieces[first:end] - start
    return Piece(parameter, query.pieces[start:stop], query.casings[start:stop], firsts)


class Augmenter:
    """Swaps values for other values of the same function's parameter, and drops capitals. Labels stay true."""

    def __init__(self, samples: Sequence[Sample], swap_probability: float, lower_case_probability: float) -> None:
        self._swap = swap_probability
        self._lower = lower_case_probability
        pools: dict[tuple[str, int], dict[bytes, Piece]] = defaultdict(dict)
        for sample in samples:
            for run in sample.runs:
                if run.parameter >= 0:
                    pools[sample.function, run.parameter].setdefault(run.pieces.tobytes(), run)
        self._pools = {key: list(pool.values()) for key, pool in pools.items()}

    def __call__(self, sample: Sample, random: np.random.Generator) -> Sample:
        if random.random() >= self._swap or not sample.tagged:
            return sample
        runs = tuple(self._swapped(sample.function, run, random) for run in sample.runs)
        return replace(sample, runs=runs)

    def _swapped(self, function: str, run: Piece, random: np.random.Generator) -> Piece:
        if run.parameter < 0 or random.random() < 0.3:
            return run
        pool = self._pools[function, run.parameter]
        return pool[int(random.integers(len(pool)))]

    def lowered(self, arrays: Arrays, random: np.random.Generator) -> Arrays:
        if random.random() >= self._lower:
            return arrays
        casings = np.where((arrays.casings >= 1) & (arrays.casings <= 3), 0, arrays.casings)
        return Arrays(arrays.pieces, casings, arrays.first_pieces, arrays.tags)


def assemble(sample: Sample, start_mark: int, end_mark: int) -> Arrays:
    """The runs of a sample joined, between the two marks of the encoder."""
    marks = np.zeros(1, dtype=np.int64)
    offset = 1
    firsts, tags = [], []
    for run in sample.runs:
        firsts.append(run.first_pieces + offset)
        tags.append(_tags(run, sample.tagged))
        offset += len(run.pieces)
    return Arrays(
        np.concatenate([marks + start_mark, *(run.pieces for run in sample.runs), marks + end_mark]),
        np.concatenate([marks, *(run.casings for run in sample.runs), marks]),
        np.concatenate(firsts),
        np.concatenate(tags),
    )


def _tags(run: Piece, tagged: bool) -> np.ndarray:
    words = len(run.first_pieces)
    if not tagged:
        return np.full(words, IGNORED)
    if run.parameter < 0:
        return np.zeros(words, dtype=np.int64)
    begin = 1 + 2 * run.parameter
    return np.array([begin] + [begin + 1] * (words - 1), dtype=np.int64)
