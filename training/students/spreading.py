"""A training that several processes of this machine share, one for each accelerator, started by torch's launcher.

The processes read what they learn from a file, tell of their progress in another and leave their network in the
checkpoints. They end with the process that started them, however that ends: each holds the end of a pipe from it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TextIO

import msgspec

from curation.ml.tools import ToolSet
from training.students.base import Example, Progress, ProgressCallback, TrainingBrokenOff, TrainingError
from training.students.families import CONFIGS, Learned, StudentConfig, family_of
from training.students.reporting import REPORT_SECONDS

MODULE = "training.students.sharing"
CODE = Path(__file__).parents[2]
TASK, TOLD, LOG = "task.json", "told.jsonl", "processes.log"
POLL_SECONDS = 0.2
ENDING_SECONDS = 10.0
"""So long the launcher may take to notice that its processes have ended."""


@dataclass(frozen=True, slots=True)
class Task:
    """What the processes learn, as the file in their folder says it."""

    family: str
    config: dict[str, Any]
    examples: list[Example]
    tools: list[dict[str, Any]]
    checkpoints: str
    fingerprint: str

    def student_config(self) -> StudentConfig:
        return CONFIGS[self.family](**self.config)


def processes_for(asked: int) -> int:
    """How many processes share a training where `asked` were asked for; with 0, one for each accelerator.

    Raises:
        TrainingError: the machine has accelerators, but not so many.
    """
    if "RANK" in os.environ:  # this is one of the processes of a launcher already
        return 1
    devices = _accelerators()
    if 0 < devices < asked:
        raise TrainingError(f"{asked} processes cannot share {devices} GPUs; set ODIA_TRAINING_PROCESSES to {devices}.")
    return asked or max(1, devices)


def _accelerators() -> int:
    import torch  # it takes seconds, and most that import this module never train

    return torch.cuda.device_count()


def learn(
    examples: Sequence[Example],
    tools: ToolSet,
    config: StudentConfig,
    progress: ProgressCallback,
    checkpoints: Path | None,
    fingerprint: str,
    processes: int,
) -> Learned:
    """What the family's `learn` does, shared by so many processes.

    Raises:
        TrainingError: there is nothing to learn from.
        TrainingBrokenOff: one of the processes ended early.
        RunCancelled: from `progress`.
    """
    family = family_of(config)
    if processes == 1:
        return family.learn(examples, tools, config, progress, checkpoints, fingerprint)
    with _place(checkpoints) as place:
        task = Task(config.family, config.as_json(), list(examples), _as_list(tools), str(place), fingerprint)
        _share(task, place / "sharing", processes, progress)
        # All epochs are in the checkpoint by now: this takes the network from there.
        return family.learn(examples, tools, config, progress, place, fingerprint)


@contextmanager
def _place(checkpoints: Path | None) -> Iterator[Path]:
    if checkpoints:
        yield checkpoints
        return
    with tempfile.TemporaryDirectory() as scratch:
        yield Path(scratch)


def _share(task: Task, folder: Path, processes: int, progress: ProgressCallback) -> None:
    """Has the processes learn; returns when all are done."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / TASK).write_bytes(msgspec.json.encode(task))
    (folder / TOLD).touch()
    with _launched(folder, processes) as launcher:
        outcome = _watch(launcher, folder / TOLD, progress, processes)
    if "refused" in outcome:
        raise TrainingError(outcome["refused"])
    if "done" not in outcome:
        reason = outcome.get("problem") or f"it was killed or did not start, see {folder / LOG}"
        raise TrainingBrokenOff(
            f"One of the {processes} processes that share the training broke off: {reason}. "
            "Its checkpoints are kept; start the run again to go on from them."
        )
    shutil.rmtree(folder)


@contextmanager
def _launched(folder: Path, processes: int) -> Iterator[subprocess.Popen[bytes]]:
    """The launcher at work; whatever happens, it and its processes have ended afterwards."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
    command += ["--nproc-per-node", str(processes), "-m", MODULE, str(folder)]
    with (folder / LOG).open("wb") as log:
        launcher = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=_environment(processes), cwd=folder
        )
    assert launcher.stdin is not None
    try:
        yield launcher
    finally:
        launcher.stdin.close()
        try:
            launcher.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            launcher.kill()
            launcher.wait()


def _environment(processes: int) -> dict[str, str]:
    """Python finds this code, and the processes share the cores."""
    path = [str(CODE), *filter(None, [os.environ.get("PYTHONPATH")])]
    threads = max(1, (os.cpu_count() or 1) // processes)
    added = {"PYTHONPATH": os.pathsep.join(path), "OMP_NUM_THREADS": str(threads)}
    if not _accelerators():
        added["ACCELERATE_USE_CPU"] = "true"  # it would else take them for strangers
    return {**os.environ, **added}


def _watch(launcher: subprocess.Popen[bytes], told: Path, progress: ProgressCallback, processes: int) -> dict[str, str]:
    """Passes on the progress that the processes tell of until they have ended; what else they told.

    Says the last again while there is nothing new, so that the callback can stop them at any time.
    """
    last = Progress("training", 0.0, f"starting {processes} processes")
    outcome: dict[str, str] = {}
    passed_on = 0.0
    with told.open() as lines:
        while True:
            ended = launcher.poll() is not None
            for said in _whole_lines(lines):
                if "phase" not in said:
                    outcome = said | outcome
                    continue
                last, passed_on = Progress(**said), time.monotonic()
                progress(last)
            if ended:
                return outcome
            if time.monotonic() - passed_on >= REPORT_SECONDS:
                passed_on = time.monotonic()
                progress(replace(last, metrics=None))
            time.sleep(POLL_SECONDS)


def _whole_lines(file: TextIO) -> Iterator[dict[str, Any]]:
    """What was written since, up to the last line that is whole."""
    while True:
        start = file.tell()
        line = file.readline()
        if not line.endswith("\n"):
            file.seek(start)
            return
        yield json.loads(line)


def _as_list(tools: ToolSet) -> list[dict[str, Any]]:
    """The tool set as `parse_tools` reads it."""
    return [
        {"type": "function", "function": {"name": name, "description": one.description, "parameters": dict(one.schema)}}
        for name, one in tools.functions.items()
    ]
