"""The sample's log comes in by the ordinary importer."""

import statistics
from datetime import UTC, datetime

import msgspec
import pytest

from curation.logs.reader import LogReader
from curation.logs.records import LogRecord
from curation.sample.latency import MEDIAN_SECONDS, P90_SECONDS
from curation.sample.log import sample_log
from curation.sample.tools import TOOLS

END = datetime(2026, 3, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def records() -> list[LogRecord]:
    reader = LogReader("openai")
    found = [
        reader.read(number, msgspec.json.encode(line)) for number, line in enumerate(sample_log(queries=1000, end=END))
    ]
    assert all(isinstance(record, LogRecord) for record in found)
    return [record for record in found if isinstance(record, LogRecord)]


def test_every_line_is_read(records: list[LogRecord]) -> None:
    assert len(records) == 1000 and len({record.key for record in records}) == 1000
    assert all(record.offered and record.offered.tools == TOOLS for record in records[:5])
    assert all(record.arrived_at and record.client_id.startswith("user-") for record in records)
    assert all(record.prompt_tokens and record.completion_tokens for record in records)


def test_there_are_calls_and_answers_in_text_and_earlier_turns(records: list[LogRecord]) -> None:
    assert sum(record.call is not None for record in records) > 800
    assert sum(record.call is None and bool(record.answer_text) for record in records) > 20
    assert sum(bool(record.context) for record in records) > 30


def test_latencies_are_a_large_models(records: list[LogRecord]) -> None:
    latencies = [record.latency_ms / 1000 for record in records if record.latency_ms is not None]
    assert len(latencies) == 1000
    assert statistics.median(latencies) == pytest.approx(MEDIAN_SECONDS, rel=0.1)
    assert statistics.quantiles(latencies, n=10)[-1] == pytest.approx(P90_SECONDS, rel=0.1)


def test_the_same_arguments_give_the_same_log() -> None:
    assert list(sample_log(queries=20, end=END)) == list(sample_log(queries=20, end=END))
