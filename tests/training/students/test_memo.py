"""What must hold of the memo: only what came at least three times and was never answered in two ways."""

from __future__ import annotations

from pathlib import Path

from curation.ml.calls import Call
from curation.ml.tools import parse_tools
from tests.training.students.conftest import TOOLS
from training.students.base import Example, Route
from training.students.memo import Memo, build_memo

BLUR, CAN = (Call("play_music", {"artist": name}) for name in ("Blur", "Can"))


def _memo(*seen: tuple[str, Call | None, Route, float]) -> Memo:
    examples = [Example(str(index), *one) for index, one in enumerate(seen)]
    return build_memo(examples, parse_tools(TOOLS))


def test_a_query_seen_three_times_is_remembered_however_it_is_written() -> None:
    memo = _memo(("play Blur", BLUR, "simple", 2.0), ("Play  blur ", BLUR, "simple", 1.0))
    assert memo.lookup("PLAY BLUR") == BLUR
    assert memo.lookup("play Can") is None


def test_a_query_seen_twice_is_not() -> None:
    assert len(_memo(("play Blur", BLUR, "simple", 2.0))) == 0


def test_a_query_answered_in_two_ways_is_not() -> None:
    assert len(_memo(("play it", BLUR, "simple", 5.0), ("play it", CAN, "simple", 1.0))) == 0


def test_a_query_that_was_once_complex_or_without_call_is_not() -> None:
    assert len(_memo(("play it", BLUR, "simple", 5.0), ("play it", BLUR, "complex", 1.0))) == 0
    assert len(_memo(("play it", BLUR, "simple", 5.0), ("play it", None, "no_call", 1.0))) == 0


def test_a_call_that_does_not_fit_the_schema_is_not() -> None:
    assert len(_memo(("louder", Call("set_volume", {"level": "up"}), "simple", 5.0))) == 0


def test_a_memo_survives_its_file(tmp_path: Path) -> None:
    _memo(("play Blur", BLUR, "simple", 3.0)).save(tmp_path / "memo.json")
    assert Memo.load(tmp_path / "memo.json").lookup("play blur") == BLUR
