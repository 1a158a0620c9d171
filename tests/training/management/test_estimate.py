"""What must hold of `manage.py estimate`: figures from a log alone (no test here may touch the database)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.training.students.conftest import TOOLS, make_examples, one_thread, tiny_config, tiny_encoder
from training.students.base import Example
from training.students.encoder.config import EncoderConfig

__all__ = ["one_thread", "tiny_config", "tiny_encoder"]

CONTRACT = {"queries", "patterns", "clusters", "simple_share", "predicted_coverage", "predicted_reduction"}
Estimate = Callable[..., dict[str, Any]]


def pair(number: int, example: Example, **more: Any) -> dict[str, Any]:
    call = example.call.as_json() if example.call and example.route == "simple" else None
    return {"id": str(number), "query": example.query, "call": call, **more}


def exchange(number: int, example: Example, earlier: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """A line of the `openai` format; a query that is not simple got two calls."""
    calls = [example.call] * (1 if example.route == "simple" else 2) if example.call else []
    answers = [{"function": {"name": call.name, "arguments": json.dumps(call.arguments)}} for call in calls]
    message = {"role": "assistant", "content": None if answers else "Hello.", "tool_calls": answers}
    messages = [*earlier, {"role": "user", "content": example.query}]
    return {
        "timestamp": 1_750_000_000 + 60 * number,
        "request": {"messages": messages, "tools": TOOLS},
        "response": {"id": str(number), "choices": [{"message": message}]},
        "latency_ms": 800 + number % 400,
    }


@pytest.fixture
def estimate(tmp_path: Path, tiny_config: EncoderConfig, monkeypatch: pytest.MonkeyPatch) -> Estimate:
    """Runs the command on lines written to a log; returns its JSON, with what it said under `said`."""

    def tiny(**chosen: Any) -> EncoderConfig:
        return replace(tiny_config, calibration_wanted=400, **chosen)

    monkeypatch.setattr("training.management.commands.estimate.EncoderConfig", tiny)

    def run(lines: Sequence[Any], *arguments: str, tools: bool = True) -> dict[str, Any]:
        log, names = tmp_path / "log.jsonl", tmp_path / "tools.json"
        log.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
        names.write_text(json.dumps(TOOLS))
        out, err = StringIO(), StringIO()
        given = [f"--tools={names}"] if tools else []
        call_command("estimate", str(log), "--json", *given, *arguments, stdout=out, stderr=err)
        assert len(out.getvalue().splitlines()) == 1
        return {**json.loads(out.getvalue()), "said": err.getvalue()}

    return run


def test_a_log_of_pairs_gives_every_figure_of_the_contract(estimate: Estimate) -> None:
    lines = [pair(number, example) for number, example in enumerate(make_examples(700, seed=1))]
    result = estimate(lines, "--epsilon=0.1")
    assert set(result) >= CONTRACT
    assert set(result["predicted_reduction"]) == {"mean", "p50"}
    assert result["queries"] == 700
    assert result["patterns"] > 10
    assert 0.3 < result["predicted_coverage"] < 0.9, "simple queries are 80% and are easy"
    assert 0.3 < result["simple_share"] <= 0.85
    assert result["student"]["threshold"] is not None
    assert result["student"]["certified_bound"] <= 0.1
    assert result["predicted_reduction"]["mean"] == pytest.approx(result["predicted_coverage"], abs=0.05)


def test_a_log_of_exchanges_brings_its_own_tools_and_latencies(estimate: Estimate) -> None:
    earlier = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "Hello."}]
    examples = make_examples(600, seed=2)
    lines = [exchange(number, example, earlier if number % 4 == 0 else ()) for number, example in enumerate(examples)]
    result = estimate(lines, "--epsilon=0.1", tools=False)
    assert result["share_without_earlier_turns"] == 0.75
    assert result["predicted_coverage"] == pytest.approx(0.75 * result["student"]["coverage"])
    assert result["predicted_coverage"] > 0.2
    assert 900 < result["latency_ms"]["without"]["p50"] < 1100
    assert "of the log" in result["teacher_latency_from"]
    assert not result["tools_inferred"]


def test_repeats_count_as_often_as_they_come(estimate: Estimate) -> None:
    once, often = make_examples(300, seed=3), make_examples(4, seed=8)[:1] * 300
    lines = [
        pair(number, example)
        for number, example in enumerate(e for both in zip(once, often, strict=True) for e in both)
    ]
    result = estimate(lines)
    assert result["queries"] == 600
    assert result["memo_share"] > 0.45
    assert result["predicted_coverage"] >= result["memo_share"]


def test_the_teachers_latency_can_be_given(estimate: Estimate) -> None:
    lines = [pair(number, example, latency_ms=5) for number, example in enumerate(make_examples(30, seed=4))]
    result = estimate(lines, "--teacher-ms=2000")
    assert result["latency_ms"]["without"]["p50"] == pytest.approx(2000, rel=0.05)
    assert "2000 ms" in result["teacher_latency_from"]


def test_without_tools_they_are_read_off_the_calls(estimate: Estimate) -> None:
    lines = [pair(number, example) for number, example in enumerate(make_examples(300, seed=5))]
    result = estimate(lines, "--epsilon=0.1", tools=False)
    assert result["tools_inferred"]
    assert result["student"]["exact_match"] > 0.5


def test_bad_lines_are_counted_and_stop_nothing(estimate: Estimate) -> None:
    good = [pair(number, example) for number, example in enumerate(make_examples(30, seed=6))]
    result = estimate([*good, "{", good[0], '{"id": "x", "query": " ", "call": null}'])
    assert (result["queries"], result["duplicate"], result["rejected"]) == (30, 1, 2)
    assert result["reasons"] == {"not JSON": 1, "empty query": 1}
    assert "line 31" in result["said"]


def test_what_can_be_said_of_too_few_queries_is_said(estimate: Estimate) -> None:
    result = estimate([pair(number, example) for number, example in enumerate(make_examples(8, seed=7))])
    assert "at least 20 are needed" in result["student"]["problem"]
    assert (result["queries"], result["predicted_coverage"]) == (8, 0.0)
    assert result["clusters"] >= 1


def test_a_log_without_calls_has_nothing_to_learn(estimate: Estimate) -> None:
    result = estimate([{"id": str(n), "query": f"hello {n}", "call": None} for n in range(40)], tools=False)
    assert "nothing to learn" in result["student"]["problem"]
    assert (result["simple_share"], result["predicted_coverage"]) == (0.0, 0.0)
    assert result["predicted_reduction"]["mean"] <= 0


def test_one_function_alone_is_learned_like_any_other(estimate: Estimate) -> None:
    examples = [example for example in make_examples(600, seed=9) if example.query.startswith("volume")]
    result = estimate([pair(number, example) for number, example in enumerate(examples)], "--epsilon=0.2")
    assert result["predicted_coverage"] > 0.5


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [([], "is empty"), (["{", "nonsense"], "2 of 2 were rejected because of: not JSON")],
)
def test_a_log_without_queries_is_refused(estimate: Estimate, lines: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        estimate(lines)


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("--epsilon=2", "--epsilon is a share"),
        ("--teacher-ms=-1", "--teacher-ms is a number"),
        ("--limit=0", "--limit must be at least 1"),
        ("--seed=-1", "--seed must be 0 to"),
        ("--format=otel", "otel cannot be read yet"),
    ],
)
def test_what_cannot_be_done_is_said(estimate: Estimate, argument: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        estimate([], argument)


def test_a_missing_log_and_tools_that_are_none_are_said(estimate: Estimate, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no file"):
        call_command("estimate", str(tmp_path / "none.jsonl"))
    (tmp_path / "odd.json").write_text("{}")
    with pytest.raises(CommandError, match="must be a list with at least one function"):
        estimate([pair(0, make_examples(1, seed=1)[0])], f"--tools={tmp_path / 'odd.json'}", tools=False)


def test_ctrl_c_is_a_sentence(estimate: Estimate, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("training.management.commands.estimate.mine", interrupt)
    with pytest.raises(CommandError, match="Stopped"):
        estimate([pair(0, make_examples(1, seed=1)[0])])


def test_people_read_sentences(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps({"id": "1", "query": "hello", "call": None}))
    out = StringIO()
    call_command("estimate", str(log), stdout=out, stderr=StringIO())
    assert "A student would answer 0% of the traffic" in out.getvalue()
    assert "The mean latency would fall by" in out.getvalue()
