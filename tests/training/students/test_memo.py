"""What must hold of the memo: only what came at least three times, always answered in one way but for rare slips."""

from __future__ import annotations

from pathlib import Path

import pytest
from scipy.stats import beta

from curation.ml.calls import Call, ComparisonRules
from curation.ml.tools import parse_tools
from tests.training.students.conftest import TOOLS
from training.students.base import Example, Route
from training.students.memo import Memo, build_memo, is_rare

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


def test_a_slip_of_the_teacher_does_not_cost_a_query_its_place_once_it_is_proven_rare() -> None:
    assert _memo(("play it", CAN, "simple", 1.0), ("play it", BLUR, "simple", 400.0)).lookup("play it") == BLUR
    assert len(_memo(("play it", CAN, "simple", 1.0), ("play it", BLUR, "simple", 200.0))) == 0
    assert len(_memo(("play it", BLUR, "complex", 1.0), ("play it", BLUR, "simple", 200.0))) == 0
    assert len(_memo(("play it", CAN, "simple", 20.0), ("play it", BLUR, "simple", 400.0))) == 0


@pytest.mark.parametrize("share", [0.005, 0.02, 0.2])
def test_rare_is_what_the_clopper_pearson_bound_says(share: float) -> None:
    for total in (1, 30, 300, 5000):
        for seen in range(min(total, 150)):
            assert is_rare(seen, total, share) == (beta.ppf(0.95, seen + 1, total - seen) <= share)


def test_what_is_compared_exactly_is_never_taken_from_a_text_in_another_case() -> None:
    examples = [Example("0", "play Blur", BLUR, "simple", 5.0)]
    exact = ComparisonRules(exact=frozenset({("play_music", "artist")}))
    assert len(build_memo(examples, parse_tools(TOOLS))) == 1
    assert len(build_memo(examples, parse_tools(TOOLS), exact)) == 0


@pytest.mark.parametrize(
    "other", ["play Blur!", "play Blur?", "play Blúr", "play B lur", "play Blur 2", "don't play Blur"]
)
def test_texts_that_differ_in_more_than_case_and_space_are_never_taken_for_one_another(other: str) -> None:
    assert _memo(("play Blur", BLUR, "simple", 5.0)).lookup(other) is None


def test_an_ignored_parameter_may_differ() -> None:
    calls = [Call("play_music", {"artist": "Blur", "mood": mood}) for mood in ("calm", "lively")]
    examples = [Example("0", "play Blur", call, "simple", 2.0) for call in calls]
    ignoring = ComparisonRules(ignored=frozenset({("play_music", "mood")}))
    assert len(build_memo(examples, parse_tools(TOOLS))) == 0
    assert len(build_memo(examples, parse_tools(TOOLS), ignoring)) == 1


def test_a_query_that_was_once_complex_or_without_call_is_not() -> None:
    assert len(_memo(("play it", BLUR, "simple", 5.0), ("play it", BLUR, "complex", 1.0))) == 0
    assert len(_memo(("play it", BLUR, "simple", 5.0), ("play it", None, "no_call", 1.0))) == 0


def test_a_call_that_does_not_fit_the_schema_is_not() -> None:
    assert len(_memo(("louder", Call("set_volume", {"level": "up"}), "simple", 5.0))) == 0


def test_a_memo_survives_its_file(tmp_path: Path) -> None:
    _memo(("play Blur", BLUR, "simple", 3.0)).save(tmp_path / "memo.json")
    assert Memo.load(tmp_path / "memo.json").lookup("play blur") == BLUR
