"""Whatever stands in a file, each line is a record that can be stored, or an error; nothing is raised."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from curation.logs.records import LineError, LogRecord
from tests.curation.logs.builders import openai_line, pair, read_one

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def damaged_lines(draw: st.DrawFn) -> bytes:
    """A good line with one value somewhere in it replaced by any other."""
    line = draw(st.sampled_from([pair(timestamp=5, latency_ms=5), openai_line()]))
    line = json.loads(json.dumps(line))
    place: Any = line
    while True:
        key = draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))
        if not isinstance(place[key], dict | list) or not place[key] or draw(st.booleans()):
            break
        place = place[key]
    place[key] = draw(json_values)
    return json.dumps(line).encode()


def assert_record_or_error(line: bytes) -> None:
    for log_format in ("auto", "openai", "pairs"):
        found = read_one(line, log_format=log_format)
        assert isinstance(found, LineError | LogRecord)
        if isinstance(found, LogRecord):
            assert found.text.strip() and found.key
            stored = json.dumps([found.text, found.context, found.answer_text, found.call and found.call.arguments])
            assert "\\u0000" not in stored.replace("\\\\", "") and "Infinity" not in stored.replace('"Infinity', "")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_an_error(line: bytes) -> None:
    assert_record_or_error(line)


@settings(deadline=None)
@given(json_values)
def test_any_json_is_a_record_or_an_error(value: Any) -> None:
    assert_record_or_error(json.dumps(value).encode())


@settings(deadline=None)
@given(damaged_lines())
def test_any_damaged_line_is_a_record_or_an_error(line: bytes) -> None:
    assert_record_or_error(line)
