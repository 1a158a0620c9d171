"""What must hold of a training that is killed: started again, it ends with the student that it would have been."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from training.students.encoder.config import EncoderConfig

TIMED = {"train_seconds", "peak_memory_mb", "peak_gpu_memory_mb", "curve"}
"""What no two runs have in common; points of the curve are taken every few seconds."""
PROGRAM = """
import json, os, signal, sys
from pathlib import Path
import torch
from tests.training.students.conftest import TOOLS, make_examples
from training.students.distillation import distil
from training.students.encoder.config import EncoderConfig

folder, checkpoints, config, dies = sys.argv[1:]
rename = Path.rename

def rename_and_die(self, target):
    rename(self, target)
    if Path(target).parent == Path(checkpoints):
        os.kill(os.getpid(), signal.SIGKILL)

if dies == "True":
    Path.rename = rename_and_die
torch.set_num_threads(1)
distil(
    train=make_examples(300, seed=1), calibration=make_examples(400, seed=2), tools=TOOLS, version="tiny",
    folder=Path(folder), config=EncoderConfig(**json.loads(config)),
    checkpoint_folder=Path(checkpoints), progress=lambda progress: print(progress.phase, progress.fraction),
)
"""


def run(folder: Path, config: EncoderConfig, *, dies: bool = False) -> tuple[int, float]:
    """Distil in a process of its own; its exit status, and where the training began (0 to 1).

    `dies` kills it at the first rename in its checkpoints: that is how they take effect.
    """
    arguments = [str(folder), str(folder.with_name("checkpoints")), json.dumps(asdict(config)), str(dies)]
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, check=False, text=True)
    training = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("training ")]
    return done.returncode, min(map(float, training), default=0.0)


def learned(folder: Path) -> dict[str, Any]:
    """All of a student that must not depend on when and where it was trained."""
    manifest = json.loads((folder / "manifest.json").read_text())
    meta = json.loads((folder / "meta.json").read_text())
    del manifest["meta.json"]
    return {**manifest, **{name: value for name, value in meta.items() if name not in TIMED}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "student"


def test_a_training_that_is_killed_twice_ends_with_the_same_student(
    student_folder: Path, folder: Path, tiny_config: EncoderConfig
) -> None:
    """After its first checkpoint, and while the second takes the place of the first."""
    for left in (["current"], ["partial", "previous"]):
        assert run(folder, tiny_config, dies=True)[0] == -signal.SIGKILL
        assert sorted(path.name for path in folder.with_name("checkpoints").iterdir()) == left
        assert not folder.exists()
    status, began = run(folder, tiny_config)
    assert status == 0 and began > 1 / 20
    assert learned(folder) == learned(student_folder)
