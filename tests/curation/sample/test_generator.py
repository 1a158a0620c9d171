"""The simulated traffic: large enough, repetitive as people are, and a third of it not simple."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from curation.ml.calls import normalise_text
from curation.ml.tools import parse_tools
from curation.sample.generator import SampleQuery, generate
from curation.sample.tools import TOOLS

END = datetime(2026, 3, 15, 9, 30, tzinfo=UTC)
TOOL_SET = parse_tools(TOOLS)


@pytest.fixture(scope="module")
def traffic() -> list[SampleQuery]:
    return list(generate(end=END))


def test_there_are_at_least_8000_requests_over_14_days_in_order(traffic: list[SampleQuery]) -> None:
    times = [query.at for query in traffic]
    assert len(traffic) >= 8000 and len({query.id for query in traffic}) == len(traffic)
    assert times == sorted(times)
    assert END - timedelta(days=14) <= times[0] and times[-1] <= END
    assert len({time.date() for time in times}) >= 14


def test_the_same_seed_gives_the_same_traffic_and_another_gives_another() -> None:
    first, again, other = (list(generate(seed=seed, queries=50, end=END)) for seed in (7, 7, 8))
    assert first == again
    assert [query.text for query in first] != [query.text for query in other]


def test_at_least_30_percent_are_not_simple_and_all_kinds_occur(traffic: list[SampleQuery]) -> None:
    kinds = Counter(query.kind for query in traffic)
    assert kinds["simple"] <= 0.7 * len(traffic)
    assert len(kinds) == 7 and min(kinds.values()) >= 200


def test_some_requests_come_again_and_again_and_most_come_once(traffic: list[SampleQuery]) -> None:
    counts = Counter(normalise_text(query.text) for query in traffic)
    repeated = sum(count for count in counts.values() if count >= 3)
    assert counts.most_common(1)[0][1] >= 40
    assert repeated >= 0.25 * len(traffic)
    assert sum(count == 1 for count in counts.values()) >= 0.5 * len(counts)


def test_evenings_are_busier_than_nights(traffic: list[SampleQuery]) -> None:
    hours = Counter(query.at.hour for query in traffic)
    assert sum(hours[hour] for hour in (18, 19, 20)) > 5 * sum(hours[hour] for hour in (2, 3, 4))


def test_hundreds_of_users_take_part(traffic: list[SampleQuery]) -> None:
    assert len({query.user_id for query in traffic}) >= 200


def test_earlier_messages_come_with_references_and_only_with_them(traffic: list[SampleQuery]) -> None:
    assert all(bool(query.context) == (query.kind == "reference") for query in traffic)


def test_people_type_as_people_do(traffic: list[SampleQuery]) -> None:
    texts = [query.text for query in traffic]
    assert sum(text == text.lower() for text in texts) > 0.4 * len(texts)
    assert sum(text[-1] in ".!?" for text in texts) > 100
    assert any("plya" in text.lower() or "paly" in text.lower() for text in texts)
    assert any(text.lower().endswith("please") for text in texts)


def test_every_intended_call_is_valid(traffic: list[SampleQuery]) -> None:
    calls = {repr(query.call): query.call for query in traffic if query.call}
    problems = [TOOL_SET.problem_with(call.name, call.arguments) for call in calls.values()]
    assert len(problems) > 1000 and not any(problems)
    assert {call.name for call in calls.values()} == set(TOOL_SET.functions)


def test_text_arguments_of_simple_requests_stand_in_the_text_but_for_closed_ones(traffic: list[SampleQuery]) -> None:
    for query in traffic:
        if query.kind == "simple" and query.call:
            parameters = TOOL_SET.functions[query.call.name].parameters
            for name, value in query.call.arguments.items():
                if parameters[name].types == {"string"} and not parameters[name].enum:
                    assert value.casefold() in query.text.casefold()


def test_two_wishes_name_different_things(traffic: list[SampleQuery]) -> None:
    assert not any("queen and queen" in query.text.casefold() for query in traffic)
