"""What must hold of a causal student's training: it learns, repeats itself, and goes on where it was stopped."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from curation.ml.calls import DEFAULT_RULES
from curation.ml.tools import parse_tools
from tests.training.students.conftest import TOOLS, make_examples, quiet
from training.students.base import Progress, RunCancelled, TrainingError
from training.students.causal.config import CausalConfig
from training.students.causal.learning import LearnedCausal, learn
from training.students.causal.network import load_base, rows_of
from training.students.distillation import DistillationReport
from training.students.evaluation import evaluate
from training.students.serving import load_student

SHARED = """
import os
import sys
import torch
from safetensors.torch import save_model
from curation.ml.tools import parse_tools
from tests.training.students.conftest import TOOLS, make_examples
from training.students.causal.config import CausalConfig
from training.students.causal.learning import learn

def share(rank):
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
    torch.set_num_threads(1)
    config = CausalConfig(base=sys.argv[1], epochs=3, batch_size=8, lora_rank=0, precision="float32")
    tell = lambda progress: print(rank, int(progress.metrics["step"]), flush=True)
    learned = learn(make_examples(60, seed=1), parse_tools(TOOLS), config, tell, None, "")
    save_model(learned.model, f"{sys.argv[2]}/{rank}.safetensors")
    torch.distributed.destroy_process_group()

torch.multiprocessing.start_processes(share, nprocs=2, start_method="fork")
"""
PEFT_ASKS = "ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"


@pytest.fixture
def short(tiny_causal: CausalConfig) -> Callable[..., dict[str, torch.Tensor]]:
    """The weights after three short epochs on 60 examples; keyword arguments replace settings."""

    def run(progress: Callable[[Progress], None] = quiet, checkpoints: Path | None = None, **changes: object):
        config = replace(tiny_causal, epochs=3, **changes)  # type: ignore[arg-type]
        return _learn(config, progress, checkpoints).model.state_dict()

    return run


def _learn(
    config: CausalConfig, progress: Callable[[Progress], None] = quiet, checkpoints: Path | None = None
) -> LearnedCausal:
    return learn(make_examples(60, seed=1), parse_tools(TOOLS), config, progress, checkpoints, "fingerprint")


def _same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


class _Stop:
    """Cancels at the first report after the given share."""

    def __init__(self, share: float) -> None:
        self._share = share

    def __call__(self, progress: Progress) -> None:
        if progress.phase == "training" and progress.fraction > self._share:
            raise RunCancelled


def test_a_student_learns_functions_values_and_refusals(causal_folder: Path) -> None:
    student = load_student(causal_folder)
    examples = make_examples(150, seed=3)
    report = evaluate(student, examples, threshold=student.threshold)
    simple = evaluate(student, [one for one in examples if one.route == "simple"], threshold=student.threshold)
    assert report.figures["function_accuracy"] > 0.8
    assert simple.figures["exact_match"] > 0.5
    assert report.figures["no_call"]["refused_or_no_call"] == 1
    assert report.figures["coverage_at"]["0.05"] > 0.1


def test_the_artifact_holds_all_it_takes_and_says_how_it_was_made(causal_folder: Path) -> None:
    meta = json.loads((causal_folder / "meta.json").read_text())
    assert (meta["family"], meta["functions"], meta["parameters"]) == ("causal", 2, 3)
    assert meta["curve"][0]["loss"] > meta["curve"][-1]["loss"]
    assert meta["tokens"]["functions"] == ["play_music", "set_volume"]
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {path.name for path in causal_folder.iterdir()}
    assert not [path for path in causal_folder.iterdir() if path.suffix in (".bin", ".pt", ".pkl")]


def test_the_same_seed_gives_the_same_student_and_another_another(
    short: Callable[..., dict[str, torch.Tensor]],
) -> None:
    first = short()
    assert _same(first, short())
    assert not _same(first, short(seed=1))


@pytest.mark.filterwarnings(PEFT_ASKS)
@pytest.mark.parametrize("rank", [0, 4])
def test_a_killed_run_goes_on_from_its_checkpoint_and_ends_the_same(
    short: Callable[..., dict[str, torch.Tensor]], tmp_path: Path, rank: int
) -> None:
    with pytest.raises(RunCancelled):
        short(_Stop(0.8), tmp_path, lora_rank=rank)
    reports: list[Progress] = []
    resumed = short(reports.append, tmp_path, lora_rank=rank)
    assert reports[0].fraction > 0.6
    assert _same(resumed, short(lora_rank=rank))


def test_two_processes_share_a_training_and_end_with_the_same_weights(
    tiny_causal: CausalConfig, short: Callable[..., dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1])}
    done = subprocess.run(
        [sys.executable, "-c", SHARED, tiny_causal.base, str(tmp_path)],
        env={**os.environ, **shared, "ACCELERATE_USE_CPU": "true"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["0 1", "0 12"], "the first alone reports; each takes 4 of the 8 batches"
    first, second = (load_file(tmp_path / f"{rank}.safetensors") for rank in range(2))
    assert _same(first, second)
    assert not torch.equal(first["model.norm.weight"], short()["model.norm.weight"])


@pytest.mark.filterwarnings(PEFT_ASKS)
def test_adapters_leave_what_the_base_knows_of_words_alone(tiny_causal: CausalConfig, tmp_path: Path) -> None:
    config = replace(tiny_causal, lora_rank=4, epochs=2)
    base = load_base(config.base).model
    learned = _learn(config)
    learned.write(tmp_path, parse_tools(TOOLS), [], DEFAULT_RULES)
    written = load_file(tmp_path / "model.safetensors")
    old = base.state_dict()["model.embed_tokens.weight"]
    embeddings = written["model.embed_tokens.weight"]
    assert len(embeddings) == rows_of(base) + len(learned.tokens)
    assert torch.equal(embeddings[: len(old)], old)
    layer = "model.layers.0.self_attn.q_proj.weight"
    assert not torch.equal(written[layer], base.state_dict()[layer])
    assert not [name for name in written if "lora" in name]
    assert learned.curve[0]["loss"] > learned.curve[-1]["loss"]


def test_half_precision_is_written_in_half_the_size(tiny_causal: CausalConfig, tmp_path: Path) -> None:
    learned = _learn(replace(tiny_causal, epochs=1, precision="bfloat16"))
    learned.write(tmp_path, parse_tools(TOOLS), [], DEFAULT_RULES)
    assert {weight.dtype for weight in load_file(tmp_path / "model.safetensors").values()} == {torch.bfloat16}


def test_a_cancelled_run_leaves_no_artifact(distil_causal: Callable[..., DistillationReport], tmp_path: Path) -> None:
    with pytest.raises(RunCancelled):
        distil_causal(tmp_path / "stopped", progress=_Stop(0))
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_learn_from_is_said(tiny_causal: CausalConfig) -> None:
    no_calls = [example for example in make_examples(200, seed=1) if example.route == "no_call"]
    with pytest.raises(TrainingError, match="Only 0 training examples"):
        learn(no_calls, parse_tools(TOOLS), tiny_causal, quiet, None, "fingerprint")
