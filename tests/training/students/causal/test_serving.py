"""What must hold of a loaded causal student: whole, and the same answer however it is asked."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.students.conftest import make_examples
from training.students.artifacts import ArtifactError, write_manifest
from training.students.causal.network import load_model
from training.students.causal.serving import CausalReading
from training.students.serving import load_student


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_an_artifact_that_lacks_a_file_is_refused(causal_folder: Path, tmp_path: Path, name: str) -> None:
    copied = Path(shutil.copytree(causal_folder, tmp_path / "student"))
    (copied / name).unlink()
    with pytest.raises(ArtifactError, match=f"{name} is missing"):
        load_student(copied)
    write_manifest(copied)
    with pytest.raises(ArtifactError, match=f"does not name {name}"):
        load_student(copied)


@pytest.mark.parametrize("query", ["", "   ", "x " * 50_000, "x" * 100_000])
def test_empty_and_endless_queries_are_refused(causal_folder: Path, query: str) -> None:
    prediction = load_student(causal_folder).predict([query])[0]
    assert (prediction.call, prediction.confidence) == (None, 0)
    assert prediction.reason == "the query is empty or too long"


def test_answers_do_not_depend_on_neighbours_or_threads(causal_folder: Path) -> None:
    student = load_student(causal_folder)
    queries = [example.query for example in make_examples(30, seed=4)]
    together = student.predict(queries)
    with ThreadPoolExecutor(3) as pool:
        apart = list(pool.map(lambda query: student.predict([query])[0], queries))
    assert together == apart
    assert any(prediction.call for prediction in together)


def test_guesses_save_passes_and_change_no_logits(causal_folder: Path) -> None:
    model = load_model(causal_folder, torch.device("cpu"))
    passes: list[int] = []
    model.register_forward_pre_hook(lambda *arguments: passes.append(1))
    guessing, plain = CausalReading(model), CausalReading(model)
    fed = [([0, 5, 6, 7, 8, 9], [7, 8, 9]), ([7], []), ([8], []), ([20, 21], [6]), ([22], [])]
    for tokens, guess in fed:
        assert np.allclose(guessing.logits_after(tokens, guess), plain.logits_after(tokens, []), atol=1e-4)
    assert len(passes) == 3 + 5
