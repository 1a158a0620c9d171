"""`manage.py benchmark FOLDER`: a student from a folder of labelled queries, and its figures. Uses no database."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from curation.errors import OdiaError
from curation.management.console import OdiaCommand, ProgressLine
from training.students.base import Progress, TrainingError
from training.students.benchmark import run_benchmark
from training.students.encoder.config import EncoderConfig
from training.students.folder import FolderError, read_folder

DEFAULTS = EncoderConfig()
CAUSAL = "The causal family is not available yet; run without --family, or with --family encoder."


class Command(OdiaCommand):
    help = "Train a student on FOLDER/train.jsonl, its gate on train and valid, and measure it on test.jsonl."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("folder", type=Path)
        parser.add_argument("--family", choices=["encoder", "causal"], default="encoder")
        parser.add_argument("--layers", type=int, default=DEFAULTS.layers, help="layers of the encoder kept")
        parser.add_argument("--epochs", type=int, help="passes over the training examples")
        parser.add_argument("--limit", type=int, help="read at most this many records of each file")
        parser.add_argument("--epsilon", type=float, default=0.02, help="disagreement allowed (0.02)")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--keep", type=Path, metavar="ARTIFACT", help="keep the student in this new folder")

    def run(self, **options: Any) -> dict[str, Any]:
        _check(options)
        config = EncoderConfig(layers=options["layers"], epochs=options["epochs"], seed=options["seed"])
        line = ProgressLine()
        try:
            data = read_folder(options["folder"], options["limit"])
            with tempfile.TemporaryDirectory() as scratch:
                figures = run_benchmark(
                    data,
                    config=config,
                    epsilon=options["epsilon"],
                    artifact=options["keep"] or Path(scratch) / "student",
                    progress=lambda progress: line(_sentence(progress)),
                )
        except (FolderError, TrainingError) as error:
            raise OdiaError(str(error)) from error
        finally:
            line.done()
        return figures


def _check(options: dict[str, Any]) -> None:
    if options["family"] == "causal":
        raise OdiaError(CAUSAL)
    if not 0 < options["epsilon"] < 1:
        raise OdiaError(f"--epsilon is a share between 0 and 1, not {options['epsilon']}.")
    for name in ("epochs", "limit", "layers"):
        if options[name] is not None and options[name] < 1:
            raise OdiaError(f"--{name} must be at least 1, not {options[name]}.")
    if options["seed"] < 0:
        raise OdiaError(f"--seed must be 0 or more, not {options['seed']}.")
    if options["keep"] and options["keep"].exists():
        raise OdiaError(f"{options['keep']} exists already; name a new folder for the student.")


def _sentence(progress: Progress) -> str:
    return f"{progress.phase}: {progress.fraction:.0%} {progress.message}"
