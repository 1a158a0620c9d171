"""What must hold of `manage.py benchmark`: the contract's keys, exit status and streams."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.training.students.causal.conftest import tiny_causal, tiny_model
from tests.training.students.conftest import TOOLS, make_examples, one_thread, tiny_config, tiny_encoder
from training.students.base import Example, Progress
from training.students.benchmark import run_benchmark
from training.students.causal.config import CausalConfig
from training.students.encoder.config import EncoderConfig
from training.students.families import CONFIGS
from training.students.folder import read_folder

__all__ = ["one_thread", "tiny_causal", "tiny_config", "tiny_encoder", "tiny_model"]

KEYS = {
    "family",
    "functions",
    "parameters",
    "train_examples",
    "test_examples",
    "exact_match",
    "function_accuracy",
    "threshold",
    "certified_bound",
    "coverage",
    "disagreement_inline",
    "disagreement_all",
    "coverage_at",
    "no_call",
    "latency_ms",
    "train_seconds",
    "peak_memory_mb",
    "artifact_mb",
}


def _line(example: Example) -> str:
    call = example.call.as_json() if example.call and example.route == "simple" else None
    return json.dumps({"id": example.id, "query": example.query, "call": call})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "set"
    place.mkdir()
    for seed, (split, count) in enumerate({"train": 300, "valid": 300, "test": 100}.items()):
        lines = [_line(example) for example in make_examples(count, seed)]
        (place / f"{split}.jsonl").write_text("\n".join(lines))
    (place / "tools.json").write_text(json.dumps(TOOLS))
    return place


@pytest.fixture
def benchmark(tiny_config: EncoderConfig, tmp_path: Path) -> Callable[[Path], dict[str, Any]]:
    """Runs the benchmark of a folder with the tiny encoder."""

    def run(place: Path) -> dict[str, Any]:
        return run_benchmark(
            read_folder(place), config=tiny_config, epsilon=0.05, artifact=tmp_path / "student", progress=_quiet
        )

    return run


def _quiet(progress: Progress) -> None:
    """Tells nobody."""


def test_every_figure_of_the_contract_is_there(folder: Path, benchmark: Callable[[Path], dict[str, Any]]) -> None:
    figures = json.loads(json.dumps(benchmark(folder)))
    assert set(figures) >= KEYS
    assert set(figures["coverage_at"]) == {"0.005", "0.01", "0.02", "0.05"}
    assert set(figures["no_call"]) == {"answered_with_call", "refused_or_no_call"}
    assert set(figures["latency_ms"]) == {"p50", "p90", "p99"}
    assert figures["functions"] == 2
    assert figures["test_examples"] == 100


def test_odd_sets_get_figures_all_the_same(folder: Path, benchmark: Callable[[Path], dict[str, Any]]) -> None:
    """One function only, no query without a call, and a function, an empty and an endless query in the test alone."""
    for split in ("train", "valid", "test"):
        kept = [line for line in (folder / f"{split}.jsonl").read_text().splitlines() if "set_volume" in line]
        (folder / f"{split}.jsonl").write_text("\n".join(kept))
    odd = [
        {"query": "", "call": None},
        {"query": "🎵 שים מוזיקה \u202e", "call": None},
        {"query": "volume " * 20_000, "call": None},
        {"query": "dance", "call": {"name": "dance", "arguments": {}}},
    ]
    with (folder / "test.jsonl").open("a") as file:
        file.writelines(f"\n{json.dumps(record)}" for record in odd)
    figures = benchmark(folder)
    assert figures["functions"] == 1
    assert figures["exact_match"] > 0.5


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"family": "causal"}, "needs a base model: name a folder"),
        ({"family": "causal", "base": "no/such folder"}, "The base model no/such folder cannot be read"),
        ({"family": "causal", "layers": 2}, "--layers is a setting of the encoder family"),
        ({"epsilon": 1.5}, "--epsilon is a share"),
        ({"epsilon": 1e-9}, "--epsilon is a share"),
        ({"epsilon": float("nan")}, "--epsilon is a share"),
        ({"epochs": 0}, "--epochs must be at least 1"),
        ({"limit": -1}, "--limit must be at least 1"),
        ({"seed": -1}, "--seed must be 0 to 4294967295"),
        ({"seed": 2**32}, "--seed must be 0 to 4294967295"),
        ({"keep": Path("manage.py") / "student"}, "cannot be written: Not a directory"),
        ({"keep": Path("tests")}, "tests exists already"),
        ({"layers": 99}, "`layers` must be 1 to"),
    ],
)
def test_what_cannot_be_done_is_said(folder: Path, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("benchmark", str(folder), **changes)


def test_a_folder_that_cannot_be_read_is_said(folder: Path) -> None:
    (folder / "valid.jsonl").unlink()
    with pytest.raises(CommandError, match=r"has no valid\.jsonl"):
        call_command("benchmark", str(folder), json=True)


def test_json_is_the_last_line_and_progress_goes_elsewhere(
    folder: Path, tiny_config: EncoderConfig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def tiny(**chosen: Any) -> EncoderConfig:
        return replace(tiny_config, seed=chosen["seed"])

    monkeypatch.setitem(CONFIGS, "encoder", tiny)
    call_command("benchmark", str(folder), json=True, layers=1)
    written = capsys.readouterr()
    assert set(json.loads(written.out.splitlines()[-1])) >= KEYS
    assert len(written.out.splitlines()) == 1
    assert "training: " in written.err


def test_a_causal_student_has_the_same_figures(
    folder: Path, tiny_causal: CausalConfig, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def tiny(**chosen: Any) -> CausalConfig:
        return replace(tiny_causal, **chosen)

    monkeypatch.setitem(CONFIGS, "causal", tiny)
    call_command("benchmark", str(folder), family="causal", base=tiny_causal.base, epochs=4, limit=120, json=True)
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(figures) >= KEYS
    assert (figures["family"], figures["functions"], figures["parameters"]) == ("causal", 2, 3)


def test_ctrl_c_ends_it_with_a_word_and_leaves_nothing(folder: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    options = ["--base", str(tiny_encoder), "--layers", "1", "--epochs", "1000", "--keep", str(tmp_path / "student")]
    command = [sys.executable, "manage.py", "benchmark", str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        assert process.stderr.readline().startswith("training: ")
        process.send_signal(signal.SIGINT)
        written = process.stderr.read()
        assert process.stdout.read() == ""
    assert process.returncode == 1
    assert written.endswith("CommandError: Stopped.\n") and "Traceback" not in written
    assert [path.name for path in tmp_path.iterdir()] == ["set"]
