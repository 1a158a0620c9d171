"""The simulated teacher is steady where it should be, and unsteady at its stated rate where it should not."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.ml.calls import Call, same_call
from curation.ml.tools import parse_tools
from curation.sample.answers import UNSTEADY_RATE, SampleTeacher
from curation.sample.generator import SampleQuery, generate
from curation.sample.tools import TOOLS

Answered = list[tuple[SampleQuery, Call | None]]


@pytest.fixture(scope="module")
def answered() -> Answered:
    teacher = SampleTeacher(seed=1)
    traffic = generate(seed=11, queries=4000, end=datetime(2026, 3, 15, tzinfo=UTC))
    return [(query, teacher.answer(query.text, query.context)) for query in traffic]


def differing(answered: Answered, *, simple: bool) -> float:
    chosen = [not same_call(query.call, call) for query, call in answered if (query.kind == "simple") == simple]
    assert len(chosen) > 1000
    return sum(chosen) / len(chosen)


def test_it_makes_the_intended_call_on_simple_requests(answered: Answered) -> None:
    assert differing(answered, simple=True) <= 0.01


def test_it_differs_on_the_others_at_its_stated_rate(answered: Answered) -> None:
    assert abs(differing(answered, simple=False) - UNSTEADY_RATE) < 0.05


def test_all_its_calls_are_valid(answered: Answered) -> None:
    tool_set = parse_tools(TOOLS)
    calls = [call for _, call in answered if call]
    assert calls and not [call for call in calls if tool_set.problem_with(call.name, call.arguments)]


def test_the_same_simple_request_always_gets_the_same_call() -> None:
    teacher = SampleTeacher()
    assert len({repr(teacher.answer("play bohemian rapsody by queen")) for _ in range(100)}) == 1


@pytest.mark.parametrize("text", ["play abba and turn it up", "thank you", "what should i listen to", "asdf qwer"])
def test_the_same_complex_request_gets_several(text: str) -> None:
    teacher = SampleTeacher()
    assert len({repr(teacher.answer(text)) for _ in range(100)}) > 1


@settings(deadline=None)
@given(st.text(max_size=80))
def test_it_answers_any_text(text: str) -> None:
    call = SampleTeacher().answer(text)
    assert call is None or call.name
