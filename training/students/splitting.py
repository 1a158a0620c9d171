"""Which examples a student learns from and which its gate is judged on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curation.ml.calls import normalise_text
from training.students.base import Example
from training.students.families import StudentConfig


def hold_out(
    train: Sequence[Example], calibration: Sequence[Example], config: StudentConfig
) -> tuple[list[Example], list[Example]]:
    """The examples to train on and those to calibrate on.

    Where fewer than `config.held_out` are given to calibrate on, a seeded draw of the training queries joins them,
    at most `config.held_out_share`. All examples of one query go to the same side; a query that is given for both
    is trained on, since its answer would say nothing about new queries.
    """
    known = {normalise_text(example.query) for example in train}
    unseen = [example for example in calibration if normalise_text(example.query) not in known]
    wanted = min(max(0, config.held_out - len(unseen)), int(config.held_out_share * len(train)))
    held = _drawn_queries(train, wanted, config.seed)
    kept = [example for example in train if normalise_text(example.query) not in held]
    moved = [example for example in train if normalise_text(example.query) in held]
    return kept, [*unseen, *moved]


def _drawn_queries(examples: Sequence[Example], wanted: int, seed: int) -> set[str]:
    queries = list(dict.fromkeys(normalise_text(example.query) for example in examples))
    order = np.random.default_rng([seed, len(queries)]).permutation(len(queries))
    return {queries[index] for index in order[:wanted]}
