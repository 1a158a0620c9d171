"""`manage.py benchmark FOLDER`: a student from a folder of labelled queries, and its figures. Uses no database."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from curation.errors import OdiaError
from curation.management.console import OdiaCommand, ProgressLine
from training.management.options import check_seed
from training.students.base import Progress, TrainingBrokenOff, TrainingError
from training.students.benchmark import run_benchmark
from training.students.encoder.config import EncoderConfig
from training.students.families import CONFIGS, StudentConfig
from training.students.folder import FolderError, read_folder
from training.students.spreading import processes_for

LAYERS = EncoderConfig().layers
SMALLEST_EPSILON = 0.0001
"""Thirty thousand examples without one error would prove it."""
ENCODER_ONLY = "--layers is a setting of the encoder family; leave it out with --family causal."


class Command(OdiaCommand):
    help = "Train a student on FOLDER/train.jsonl, its gate on train and valid, and measure it on test.jsonl."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("folder", type=Path)
        parser.add_argument("--family", choices=list(CONFIGS), default="encoder")
        parser.add_argument("--base", metavar="PATH", help="base model: a folder, a hub name (causal) or a GGUF file")
        parser.add_argument("--layers", type=int, help=f"layers of the encoder kept ({LAYERS})")
        parser.add_argument("--epochs", type=int, help="passes over the training examples")
        parser.add_argument("--limit", type=int, help="read at most this many records of each file")
        parser.add_argument("--epsilon", type=float, default=0.02, help="disagreement allowed (0.02)")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--keep", type=Path, metavar="ARTIFACT", help="keep the student in this new folder")

    def run(self, **options: Any) -> dict[str, Any]:
        _check(options)
        config = _config(options)
        first = os.environ.get("RANK", "0") == "0"  # of the processes that `accelerate launch` or `torchrun` started
        line = ProgressLine()
        try:
            data = read_folder(options["folder"], options["limit"])
            with tempfile.TemporaryDirectory() as scratch:
                figures = run_benchmark(
                    data,
                    config=config,
                    epsilon=options["epsilon"],
                    artifact=options["keep"] if options["keep"] and first else Path(scratch) / "student",
                    progress=lambda progress: line(_sentence(progress)),
                    processes=processes_for(settings.TRAINING_PROCESSES),
                )
        except (FolderError, TrainingBrokenOff, TrainingError) as error:
            raise OdiaError(str(error)) from error
        finally:
            line.done()
        if not first:
            sys.exit(0)
        return figures


def _config(options: dict[str, Any]) -> StudentConfig:
    """The settings that were named; the family's defaults for the rest."""
    named = {name: options[name] for name in ("base", "layers", "epochs", "seed") if options[name] is not None}
    return CONFIGS[options["family"]](**named)


def _check(options: dict[str, Any]) -> None:
    if options["family"] == "causal" and options["layers"] is not None:
        raise OdiaError(ENCODER_ONLY)
    if not SMALLEST_EPSILON <= options["epsilon"] < 1:
        raise OdiaError(f"--epsilon is a share from {SMALLEST_EPSILON} to below 1, not {options['epsilon']}.")
    for name in ("epochs", "limit", "layers"):
        if options[name] is not None and options[name] < 1:
            raise OdiaError(f"--{name} must be at least 1, not {options[name]}.")
    check_seed(options["seed"])
    if options["keep"]:
        _check_new_folder(options["keep"])


def _check_new_folder(folder: Path) -> None:
    """Said before hours of training, not after."""
    try:
        if folder.exists():
            raise OdiaError(f"{folder} exists already; name a new folder for the student.")
        with tempfile.TemporaryDirectory(dir=next(parent for parent in folder.absolute().parents if parent.exists())):
            return
    except OSError as error:
        raise OdiaError(f"{folder} cannot be written: {error.strerror}.") from error


def _sentence(progress: Progress) -> str:
    return f"{progress.phase}: {progress.fraction:.0%} {progress.message}"
