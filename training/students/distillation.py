"""Distillation of a student of any family: from examples to an artifact folder."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

import numpy as np

from curation.ml.calls import DEFAULT_RULES, ComparisonRules, normalise_text, same_call
from curation.ml.tools import ToolSet, canonical_json, parse_tools
from training.students.artifacts import hash_file, megabytes, written_whole
from training.students.base import Decoded, Example, Progress, ProgressCallback
from training.students.calibration import Calibration, calibrate
from training.students.crossfitting import cross_fit, read_all, within
from training.students.families import SERVED_FILES, StudentConfig, load_reader, meta_of
from training.students.memo import build_memo
from training.students.memory import GPU_MEMORY, highest, peak_memory_mb
from training.students.spreading import learn

LIBRARIES = (
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "onnx",
    "onnxruntime",
    "tokenizers",
    "numpy",
    "scikit-learn",
)

READING_SHARE = 0.1
"""Of the time of a calibration, what reading the given examples takes, about."""


@dataclass(frozen=True, slots=True)
class DistillationReport:
    """What came out. Where no threshold meets epsilon, `threshold` and `certified_bound` are None and
    `more_calibration_examples_needed` says how many more would do (None if no number would).

    Seconds are of wall clock; megabytes are a million bytes. `peak_memory_mb` is of the process that took most: of the
    `processes` that shared the training on `device` (`cpu`, `cuda`), or the one that started them;
    `peak_gpu_memory_mb` is of the GPU of the first of them, None without one. `network` is what the family says of its
    own files.
    """

    version: str
    family: str
    threshold: float | None
    certified_bound: float | None
    more_calibration_examples_needed: int | None
    expected_calibration_error: float
    train_examples: int
    calibration_examples: int
    functions: int
    parameters: int
    memo_size: int
    train_seconds: float
    peak_memory_mb: float
    peak_gpu_memory_mb: float | None
    processes: int
    device: str
    artifact_mb: float
    data_sha256: str
    learned_sha256: str
    network: dict[str, Any]


def distil(
    *,
    train: Sequence[Example],
    calibration: Sequence[Example],
    tools: list[dict[str, Any]],
    version: str,
    folder: Path,
    config: StudentConfig,
    epsilon: float = 0.02,
    rules: ComparisonRules = DEFAULT_RULES,
    progress: ProgressCallback,
    checkpoint_folder: Path | None = None,
    processes: int = 1,
) -> DistillationReport:
    """Trains a student, certifies its threshold and writes its artifact to `folder`, whole or not at all.

    The student learns all of `train`. Its gate is fitted on `calibration` and, where that is small, on cross-fitted
    answers to `train`.

    `epsilon` is the disagreement allowed. With `checkpoint_folder`, a run that was killed goes on from its last
    checkpoint. With more than one of `processes`, so many share the training.

    Raises:
        TrainingError: the examples cannot be learned from.
        TrainingBrokenOff: one of several processes ended early.
        RunCancelled: from `progress`.
    """
    started = time.monotonic()
    tool_set = parse_tools(tools)
    unseen = new_queries(calibration, train)
    data_sha256 = hash_examples([*train, *unseen])
    fingerprint = hash_text(canonical_json([data_sha256, tool_set.sha256, config.as_json()]))
    learned = learn(train, tool_set, config, progress, checkpoint_folder, fingerprint, processes)
    with written_whole(folder) as partial:
        network = learned.write(partial, tool_set, unseen, rules)
        meta = meta_of(learned, config)
        reader = load_reader(partial, meta, tool_set)
        crossed = train if len(unseen) < config.calibration_wanted else []
        answers = read_all(reader, [example.query for example in unseen], within(progress, 0, READING_SHARE))
        if crossed:
            rest = within(progress, READING_SHARE, 1)
            answers += cross_fit(crossed, tool_set, config, rest, checkpoint_folder, fingerprint, processes)
        judges = [*unseen, *crossed]
        judged = calibrate_on(answers, reader.features, judges, tool_set, rules, epsilon, config)
        memo = build_memo([*train, *unseen], tool_set, rules, epsilon=epsilon)
        memo.save(partial / "memo.json")
        report = DistillationReport(
            version=version,
            family=config.family,
            threshold=judged.certificate.threshold,
            certified_bound=judged.certificate.bound,
            more_calibration_examples_needed=judged.certificate.more_needed,
            expected_calibration_error=judged.expected_calibration_error,
            train_examples=len(train),
            calibration_examples=len(judges),
            functions=learned.functions,
            parameters=learned.parameters,
            memo_size=len(memo),
            train_seconds=time.monotonic() - started,
            peak_memory_mb=peak_memory_mb(),
            peak_gpu_memory_mb=highest(learned.curve, GPU_MEMORY),
            processes=processes,
            device=learned.device,
            artifact_mb=0.0,
            data_sha256=data_sha256,
            learned_sha256=hash_learned(partial, judged, tools),
            network=network,
        )
        meta |= {name: value for name, value in asdict(report).items() if name != "artifact_mb"}
        meta |= {
            "epsilon": epsilon,
            "tool_set_sha256": tool_set.sha256,
            "tools": tools,
            "gate": judged.gate.as_json(),
            "curve": learned.curve,
            "libraries": {name: installed(name) for name in LIBRARIES},
        }
        (partial / "meta.json").write_text(json.dumps(meta, indent=1))
    progress(Progress("calibration", 1.0, "the student is written"))
    return replace(report, artifact_mb=megabytes(folder, SERVED_FILES[config.family]))


def new_queries(calibration: Sequence[Example], train: Sequence[Example]) -> list[Example]:
    """The calibration examples whose query is not learned from: of the others, a right answer would prove nothing."""
    known = {normalise_text(example.query) for example in train}
    return [example for example in calibration if normalise_text(example.query) not in known]


def calibrate_on(
    decoded: Sequence[Decoded],
    features_of: tuple[str, ...],
    examples: Sequence[Example],
    tools: ToolSet,
    rules: ComparisonRules,
    epsilon: float,
    config: StudentConfig,
) -> Calibration:
    """The gate of the answers `decoded` to the calibration examples. Each distinct example counts once."""
    nothing = np.full(len(features_of), np.nan)
    features = np.array([nothing if item.features is None else item.features for item in decoded])
    agrees = np.array(
        [same_call(item.call, example.call, tools, rules) for item, example in zip(decoded, examples, strict=True)],
        dtype=bool,
    )
    no_call = np.array([example.call is None for example in examples], dtype=bool)
    return calibrate(
        features,
        features_of,
        agrees,
        no_call,
        epsilon=epsilon,
        seed=config.seed,
    )


def hash_examples(examples: Sequence[Example]) -> str:
    """SHA-256 of the examples, their order left out of account."""
    return hash_text("\n".join(sorted(canonical_json(asdict(example)) for example in examples)))


def hash_learned(folder: Path, judged: Calibration, tools: list[dict[str, Any]]) -> str:
    """SHA-256 of what a student is, whenever and wherever it was learned: its files, its gate, threshold and tools."""
    files = {path.name: hash_file(path) for path in sorted(folder.iterdir())}
    certificate = judged.certificate
    return hash_text(canonical_json([files, tools, judged.gate.as_json(), certificate.threshold, certificate.bound]))


def hash_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
