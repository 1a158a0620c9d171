"""What students say of the very examples they learn from: each part is read by one that learned the other parts.

So every example can calibrate the gate, and none is wasted (cross-validation in place of a split: Cohen et al.,
"Cross-Validation Conformal Risk Control", 2024). Students of a part of the examples know a little less than the one
that learns all of them: what is certified on their answers errs on the careful side.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from curation.ml.calls import DEFAULT_RULES, Call, normalise_text
from curation.ml.tools import ToolSet
from training.students.base import Decoded, Example, Progress, ProgressCallback, Reader, TrainingError
from training.students.families import StudentConfig, load_reader, meta_of
from training.students.spreading import learn

TOO_FEW = Decoded(None, "the other examples are too few to learn from")
FEW_EXAMPLES = 10_000
"""So few are read in three parts: students of two thirds know more than those of one half, and take longer."""
READING_SHARE = 0.1
"""Of the time that a fold takes, about."""


def cross_fit(
    examples: Sequence[Example],
    tools: ToolSet,
    config: StudentConfig,
    progress: ProgressCallback,
    checkpoints: Path | None,
    fingerprint: str,
    processes: int = 1,
) -> list[Decoded]:
    """One answer per example, by a student that saw neither it nor its query; so many processes share each training.

    With `checkpoints`, folds that are done are not done again.

    Raises:
        RunCancelled: from `progress`.
    """
    folds = config.folds or (3 if len(examples) < FEW_EXAMPLES else 2)
    fold = assign_folds(examples, folds, config.seed)
    answers: list[Decoded] = [TOO_FEW] * len(examples)
    for number in range(folds):
        part = within(progress, number / folds, (number + 1) / folds, f"part {number + 1} of {folds}: ")
        place = checkpoints / f"fold-{number}" if checkpoints else None
        inside = [example for example, its in zip(examples, fold, strict=True) if its == number]
        others = [example for example, its in zip(examples, fold, strict=True) if its != number]
        read = _fold(others, inside, tools, config, part, place, f"{fingerprint}-{number}", processes)
        for index, answer in zip(np.flatnonzero(fold == number), read, strict=True):
            answers[index] = answer
    return answers


def assign_folds(examples: Sequence[Example], folds: int, seed: int) -> np.ndarray:
    """The fold of each example; all examples of one query fall into the same."""
    queries = list(dict.fromkeys(normalise_text(example.query) for example in examples))
    drawn = np.random.default_rng([seed, len(queries)]).permutation(len(queries)) % folds
    fold_of = dict(zip(queries, drawn.tolist(), strict=True))
    return np.array([fold_of[normalise_text(example.query)] for example in examples])


def _fold(
    others: Sequence[Example],
    inside: Sequence[Example],
    tools: ToolSet,
    config: StudentConfig,
    progress: ProgressCallback,
    place: Path | None,
    fingerprint: str,
    processes: int,
) -> list[Decoded]:
    kept = place / f"{fingerprint}.json" if place else None
    if kept and kept.exists():
        return [_from_json(item) for item in json.loads(kept.read_text())]
    try:
        learning = within(progress, 0, 1 - READING_SHARE)
        learned = learn(others, tools, config, learning, place, fingerprint, processes)
    except TrainingError:
        return [TOO_FEW] * len(inside)
    with tempfile.TemporaryDirectory() as scratch:
        learned.write(Path(scratch), tools, [], DEFAULT_RULES)
        reader = load_reader(Path(scratch), meta_of(learned, config), tools)
        read = read_all(reader, [example.query for example in inside], within(progress, 1 - READING_SHARE, 1))
    if kept:
        _save(read, kept)
    return read


def read_all(read: Reader, queries: Sequence[str], progress: ProgressCallback) -> list[Decoded]:
    """Decodes the queries one by one, as they will be served."""
    decoded = []
    for number, query in enumerate(queries):
        if number % 200 == 0:
            progress(Progress("calibration", number / len(queries), f"{number} of {len(queries)} queries"))
        decoded.append(read(query))
    return decoded


def within(progress: ProgressCallback, start: float, end: float, prefix: str = "") -> ProgressCallback:
    """Reports a part of the calibration as that part of the whole."""

    def report(part: Progress, /) -> None:
        progress(Progress("calibration", start + (end - start) * part.fraction, prefix + part.message))

    return report


def _save(answers: Sequence[Decoded], path: Path) -> None:
    """The file is there whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    partial.write_text(json.dumps([_as_json(answer) for answer in answers]))
    partial.rename(path)


def _as_json(answer: Decoded) -> list[object]:
    features = None if answer.features is None else answer.features.tolist()
    return [answer.call.as_json() if answer.call else None, answer.reason, features]


def _from_json(item: list[object]) -> Decoded:
    call, reason, features = item
    assert isinstance(reason, str)
    found = Call(call["name"], call["arguments"]) if isinstance(call, dict) else None
    return Decoded(found, reason, None if features is None else np.array(features, dtype=np.float64))
