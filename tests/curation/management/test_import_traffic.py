from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from curation.ml.calls import Call
from curation.models import Application, Query, TeacherCall, TrafficHour

pytestmark = pytest.mark.django_db

TOOLS = [{"type": "function", "function": {"name": "play", "parameters": {"type": "object", "properties": {}}}}]
GOOD = '{"id": "1", "query": "play", "call": {"name": "play", "arguments": {}}, "latency_ms": 900}'


def load(tmp_path: Path, content: str | bytes, *arguments: str) -> tuple[dict[str, Any], str]:
    """What the command printed: its JSON, and what it said on standard error."""
    log, tools = tmp_path / "log.jsonl", tmp_path / "tools.json"
    log.write_bytes(content.encode() if isinstance(content, str) else content)
    tools.write_text(json.dumps(TOOLS))
    out, err = StringIO(), StringIO()
    call_command(
        "import_traffic",
        str(log),
        "--application=music",
        f"--tools={tools}",
        "--json",
        *arguments,
        stdout=out,
        stderr=err,
    )
    return json.loads(out.getvalue().splitlines()[-1]), err.getvalue()


def test_a_log_becomes_traffic_once(tmp_path: Path) -> None:
    first, _ = load(tmp_path, GOOD)
    again, _ = load(tmp_path, GOOD)
    assert {**first, "seconds": 0} == {
        "read": 1, "accepted": 1, "duplicate": 0, "rejected": 0, "reasons": {}, "seconds": 0
    }  # fmt: skip
    assert (again["accepted"], again["duplicate"]) == (0, 1)
    query = Query.objects.get()
    assert (query.text, query.call, query.labelled) == ("play", Call("play"), True)
    assert query.tool_set is not None
    assert query.tool_set.tools == TOOLS
    assert TeacherCall.objects.get().latency_ms == 900
    assert TrafficHour.objects.get().requests == 1


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (b'{"id": "2", "query": "pla', "JSON"),
        (b'{"id": "2", "query": 7, "call": null}', "query"),
        (b'{"id": "2", "call": null}', "query"),
        (b'{"id": "2", "query": "fly", "call": {"name": "fly", "arguments": {}}}', "fly"),
        (b'{"id": "2", "query": "play", "call": "play"}', "call"),
        (b"\x00\x01\xff\xfe\x80binary", "UTF-8"),
        (b'{"id": "2", "query": "' + b"x" * 50_000_000 + b'", "call": null}', "longer than"),
    ],
    ids=["broken JSON", "wrong type", "missing field", "unknown function", "no call", "binary", "50 MB line"],
)
def test_a_bad_line_is_told_with_its_number_and_stops_nothing(tmp_path: Path, bad: bytes, said: str) -> None:
    report, errors = load(tmp_path, bad + b"\n" + GOOD.encode() + b"\n", "--format=pairs")
    assert (report["read"], report["accepted"], report["rejected"]) == (2, 1, 1)
    assert sum(report["reasons"].values()) == 1
    assert errors.startswith("line 1: ")
    assert said in errors
    assert Query.objects.get().text == "play"


def test_an_empty_file_is_an_empty_report(tmp_path: Path) -> None:
    report, _ = load(tmp_path, "")
    assert (report["read"], report["accepted"], report["rejected"]) == (0, 0, 0)


def test_only_the_first_bad_lines_are_told_one_by_one(tmp_path: Path) -> None:
    report, errors = load(tmp_path, "oops\n" * 500, "--format=pairs")
    assert report["rejected"] == 500
    assert len(errors.splitlines()) == 21


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing.jsonl", "--application=music"], "There is no file missing.jsonl"),
        ([__file__, "--application=my music"], "is no name for an application"),
        ([__file__, "--application=music", "--tools=missing.json"], "The tool set missing.json cannot be read"),
        ([__file__, "--application=music", f"--tools={__file__}"], "cannot be read"),
        ([__file__, "--application=music", "--format=pairs"], "name them with --tools"),
        ([__file__, "--application=music", "--format=otel"], "cannot be read yet"),
    ],
)
def test_what_cannot_be_imported_is_told_in_a_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("import_traffic", *arguments)
    assert not Query.objects.exists()
    assert not Application.objects.filter(slug="my music").exists()
