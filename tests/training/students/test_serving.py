"""What must hold of a loaded student: whole, light, and the same answer however it is asked."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.training.students.conftest import make_examples
from training.students.artifacts import ArtifactError, write_manifest
from training.students.serving import load_student


@pytest.fixture
def copied(student_folder: Path, tmp_path: Path) -> Path:
    """A copy of the student that a test may damage."""
    return Path(shutil.copytree(student_folder, tmp_path / "student"))


def test_a_changed_file_is_refused(copied: Path) -> None:
    with (copied / "memo.json").open("a") as file:
        file.write(" ")
    with pytest.raises(ArtifactError, match=r"memo\.json .* is not the file that the manifest was written for"):
        load_student(copied)


def test_a_missing_file_is_refused(copied: Path) -> None:
    (copied / "model.onnx").unlink()
    with pytest.raises(ArtifactError, match=r"model\.onnx is missing"):
        load_student(copied)


def test_a_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="holds no student"):
        load_student(tmp_path)


def test_a_manifest_that_names_too_little_is_refused(copied: Path) -> None:
    (copied / "memo.json").unlink()
    write_manifest(copied)
    with pytest.raises(ArtifactError, match=r"does not name memo\.json"):
        load_student(copied)


def test_a_student_of_another_version_is_refused(copied: Path) -> None:
    meta = json.loads((copied / "meta.json").read_text())
    del meta["gate"]
    (copied / "meta.json").write_text(json.dumps(meta))
    write_manifest(copied)
    with pytest.raises(ArtifactError, match="another version"):
        load_student(copied)


def test_loading_and_answering_never_imports_torch(student_folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from training.students.serving import load_student\n"
        "load_student(Path(sys.argv[1])).predict(['play songs by Blur'])\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'torch', 'transformers', 'django', 'sklearn'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(student_folder)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "query", ["", "   ", "x " * 50_000, "x" * 100_000, "play \ud83d"], ids=["empty", "blank", "words", "word", "half"]
)
def test_queries_that_cannot_be_read_are_refused(student_folder: Path, query: str) -> None:
    prediction = load_student(student_folder).predict([query])[0]
    assert prediction.call is None
    assert prediction.confidence == 0
    assert prediction.reason == "the query is empty or too long"


def test_answers_do_not_depend_on_neighbours_or_threads(student_folder: Path) -> None:
    student = load_student(student_folder)
    queries = [example.query for example in make_examples(60, seed=4)]
    together = student.predict(queries)
    with ThreadPoolExecutor(4) as pool:
        apart = list(pool.map(lambda query: student.predict([query])[0], queries))
    assert together == apart
    assert any(prediction.call for prediction in together)


def test_every_call_fits_the_schema_and_its_names_stand_in_the_text(student_folder: Path) -> None:
    student = load_student(student_folder)
    queries = [example.query for example in make_examples(200, seed=5)]
    answered = [(query, one.call) for query, one in zip(queries, student.predict(queries), strict=True) if one.call]
    assert answered
    for query, call in answered:
        assert student.tools.problem_with(call.name, call.arguments) is None
        if isinstance(call.arguments.get("artist"), str):
            assert call.arguments["artist"] in query


def test_small_talk_is_refused_with_a_reason(student_folder: Path) -> None:
    prediction = load_student(student_folder).predict(["hello"])[0]
    assert prediction.call is None
    assert prediction.reason == "the query asks for no call"
