"""One of the processes that share a training; torch's launcher starts it, see `training.students.spreading`.

python -m torch.distributed.run --nproc-per-node 2 -m training.students.sharing FOLDER
"""

from __future__ import annotations

import json
import os
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import torch
from accelerate import Accelerator

from curation.ml.tools import parse_tools
from training.students.base import Progress, TrainingError
from training.students.families import family_of
from training.students.spreading import TASK, TOLD, Task


class Teller:
    """Writes what there is to tell as lines of JSON, each in one piece."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)

    def __call__(self, progress: Progress) -> None:
        self.write(asdict(progress))

    def write(self, said: dict[str, Any]) -> None:
        os.write(self._file, f"{json.dumps(said)}\n".encode())


def main(folder: Path) -> None:
    threading.Thread(target=_end_with_the_trainer, daemon=True).start()
    task = msgspec.json.decode((folder / TASK).read_bytes(), type=Task)
    teller = Teller(folder / TOLD)
    try:
        _learn(task, teller)
        teller.write({"done": "all epochs are in the checkpoint"})
    except TrainingError as error:  # every process meets it
        teller.write({"refused": str(error)})
    except Exception as error:
        teller.write({"problem": f"{type(error).__name__}: {error}"})
        raise
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def _learn(task: Task, teller: Teller) -> None:
    if Accelerator().num_processes != int(os.environ["WORLD_SIZE"]):
        raise RuntimeError("Accelerate does not find the other processes.")
    config, tools = task.student_config(), parse_tools(task.tools)
    family_of(config).learn(task.examples, tools, config, teller, Path(task.checkpoints), task.fingerprint)


def _end_with_the_trainer() -> None:
    """Its end of the pipe closes when it wants no more of this training, or has died."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
