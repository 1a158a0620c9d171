"""What lies in the spool comes to PostgreSQL once, and nothing that is broken holds up the rest."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.db import DataError, OperationalError

from curation.ml.calls import Call
from curation.ml.tools import hash_tools
from curation.models import Application, Query, RouterDecision, ShadowAnswer, TeacherCall, ToolSetVersion, TrafficHour
from tests.training.services.test_spool import record
from training.management.commands.ship_spool import LONGEST_WAIT_SECONDS, next_wait
from training.services import shipping
from training.services.records import AnswerRecord, RequestRecord, ShadowRecord
from training.services.segments import claimed
from training.services.shipping import ship
from training.services.spool import Spool

TOOLS = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("play_music", "set_alarm")
]
PLAY = Call("play_music", {"artist": "Sade"})
Write = Callable[..., RequestRecord]


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path, limit_bytes=10**7)


@pytest.fixture
def write(spool: Spool, application: Application) -> Write:
    """Appends a record of the application to the spool."""

    def append(text: str | None = "play Sade", **fields: Any) -> RequestRecord:
        line = record("", **{"tool_set": hash_tools(TOOLS), "tools": TOOLS} | fields)
        line.text, line.application_id = text, application.pk
        assert spool.append(line)
        return line

    return append


@pytest.fixture
def all_shipped(spool: Spool) -> Callable[[], int]:
    def ship_all() -> int:
        spool.rotate()
        return ship(spool.folder)

    return ship_all


def rejected(folder: Path) -> list[dict[str, str]]:
    lines = [line for path in folder.glob("*.rejected") for line in path.read_bytes().splitlines()]
    return [msgspec.json.decode(line) for line in lines]


def test_a_teachers_answer_becomes_a_query_with_its_reference_call(
    application: Application, write: Write, all_shipped: Callable[[], int], spool: Spool
) -> None:
    answer = AnswerRecord(PLAY, latency_ms=900.0, prompt_tokens=9, completion_tokens=3, model="large-2026")
    context = [{"role": "user", "content": "hello"}]
    line = write(answer=answer, client_id="listener-5", context=context, steps={"teacher": 900.0}, key_id=7)
    assert all_shipped() == 1
    query = Query.objects.get()
    assert (query.pk, query.application, query.text, query.client_id) == (
        line.id,
        application,
        "play Sade",
        "listener-5",
    )
    assert (query.source, query.labelled, query.call, query.context) == ("gateway", True, PLAY, context)
    assert query.tool_set and query.tool_set.tools == TOOLS
    assert TeacherCall.objects.get().model == "large-2026"
    assert RouterDecision.objects.get().steps == {"teacher": 900.0}
    assert list(spool.folder.iterdir()) == []


def test_an_inline_answer_has_no_reference_call(write: Write, all_shipped: Callable[[], int]) -> None:
    write(route="student", reason="sure", student="music-1", call=PLAY, confidence=0.99, threshold=0.9)
    all_shipped()
    decision = RouterDecision.objects.get()
    assert (decision.call, decision.confidence, decision.threshold, decision.student) == (PLAY, 0.99, 0.9, "music-1")
    assert not Query.objects.get().labelled and not TeacherCall.objects.exists()


def test_a_refused_call_is_held_against_the_teachers(write: Write, all_shipped: Callable[[], int]) -> None:
    write(route="fallback", call=PLAY, confidence=0.5, answer=AnswerRecord(Call("play_music", {"artist": "sade"})))
    all_shipped()
    assert RouterDecision.objects.get().agrees is True


def test_shipping_again_adds_nothing(write: Write, all_shipped: Callable[[], int], spool: Spool) -> None:
    for number in range(5):
        write(f"play {number}")
    spool.rotate()
    copies = {path: path.read_bytes() for path in spool.folder.iterdir()}
    assert ship(spool.folder) == 5
    for path, content in copies.items():  # as if the process had been killed between the commit and the deletion
        path.write_bytes(content)
    assert ship(spool.folder) == 0
    assert Query.objects.count() == RouterDecision.objects.count() == 5
    assert TrafficHour.objects.get().requests == 5


def test_a_torn_last_line_is_passed_over(write: Write, all_shipped: Callable[[], int], spool: Spool) -> None:
    write("whole")
    spool.rotate()
    [path] = spool.folder.iterdir()
    path.write_bytes(path.read_bytes() + b'{"id": "0199')
    assert all_shipped() == 1
    assert list(spool.folder.iterdir()) == []


def test_what_cannot_be_shipped_is_kept_with_its_reason(
    write: Write, all_shipped: Callable[[], int], spool: Spool
) -> None:
    write("first")
    spool.append(record("of nobody"))
    write("last")
    spool.rotate()
    [path] = spool.folder.iterdir()
    path.write_bytes(b"not json\n\xff\xfe\n{}\n" + path.read_bytes())
    assert all_shipped() == 2
    assert set(Query.objects.values_list("text", flat=True)) == {"first", "last"}
    reasons = [line["reason"] for line in rejected(spool.folder)]
    assert len(reasons) == 4
    assert reasons[-1] == "Its application (number 0) does not exist any more."
    assert "of nobody" in rejected(spool.folder)[-1]["line"]


def test_what_the_database_refuses_is_found_among_the_rest(
    write: Write, all_shipped: Callable[[], int], spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_odd_ones(captures: list[Any]) -> int:
        if any(capture.text.startswith("odd") for capture in captures):
            raise DataError("it is odd\nDETAIL: very")
        return capture(captures)

    capture = shipping.capture
    monkeypatch.setattr(shipping, "capture", refuse_odd_ones)
    for number in range(20):
        write("odd one" if number in (3, 4, 17) else f"play {number}")
    assert all_shipped() == 17
    assert [line["reason"] for line in rejected(spool.folder)] == ["it is odd"] * 3


def test_nothing_is_deleted_while_the_database_is_away(
    write: Write, all_shipped: Callable[[], int], spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(captures: list[Any]) -> int:
        raise OperationalError("no connection")

    write("kept")
    with monkeypatch.context() as patched:
        patched.setattr(shipping, "capture", away)
        with pytest.raises(OperationalError):
            all_shipped()
    assert rejected(spool.folder) == []
    assert all_shipped() == 1


def test_the_wait_grows_while_the_database_is_away_and_ends_with_it() -> None:
    def away() -> int:
        raise OperationalError("no connection")

    assert next_wait(1.0, away) == 2.0
    assert next_wait(LONGEST_WAIT_SECONDS, away) == LONGEST_WAIT_SECONDS
    assert next_wait(8.0, lambda: 0) == 1.0


def test_requests_without_a_users_text_become_no_queries_but_their_tools_are_learned(
    write: Write, all_shipped: Callable[[], int]
) -> None:
    write(None)
    write("play Sade")
    assert all_shipped() == 1
    assert ToolSetVersion.objects.get().sha256 == hash_tools(TOOLS)
    assert Query.objects.get().tool_set is not None


def test_tools_that_are_none_do_not_cost_the_query(
    write: Write, all_shipped: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    write("play Sade", tool_set=hash_tools([{"a": 1}]), tools=[{"a": 1}])
    write("hello", tool_set="", tools=None)
    assert all_shipped() == 2
    assert not Query.objects.exclude(tool_set=None).exists()
    assert "are kept without their tool set" in caplog.text


def test_two_shippers_do_not_meet(write: Write, all_shipped: Callable[[], int], spool: Spool) -> None:
    write("play Sade")
    spool.rotate()
    [path] = spool.folder.iterdir()
    with claimed(path):
        assert ship(spool.folder) == 0
    assert ship(spool.folder) == 1


def test_a_spool_that_was_never_written_is_empty(db: None, tmp_path: Path) -> None:
    assert ship(tmp_path / os.urandom(4).hex()) == 0


def test_what_an_audit_asks_is_kept_with_the_decision(write: Write, all_shipped: Callable[[], int]) -> None:
    asked = {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "play Sade"}]}
    write(route="student", call=PLAY, audit=True, request=asked)
    write(route="student", call=PLAY)
    all_shipped()
    assert list(RouterDecision.objects.order_by("-audit_due").values_list("audit_due", "audit_request")) == [
        (True, asked),
        (False, None),
    ]


def test_after_a_disagreement_the_next_answers_of_its_function_are_audited(
    write: Write, all_shipped: Callable[[], int]
) -> None:
    answered = {"route": "student", "reason": "sure", "student": "music-1", "confidence": 0.99, "threshold": 0.9}
    wrong = write(call=PLAY, answer=AnswerRecord(Call("play_music", {"artist": "Can"})), **answered)
    all_shipped()
    alike = write(call=PLAY, **answered)
    write(call=Call("set_alarm"), **answered)
    write(call=PLAY, **answered | {"student": "music-2"})
    write(call=PLAY, **answered | {"route": "fallback"})
    all_shipped()
    assert RouterDecision.objects.get(pk=wrong.id).agrees is False
    assert [row.pk for row in RouterDecision.objects.filter(audit_due=True)] == [alike.id]


def test_a_shadows_answer_is_kept_whichever_comes_first(
    spool: Spool, write: Write, application: Application, all_shipped: Callable[[], int]
) -> None:
    line = record("", application_id=application.pk)
    at = datetime(2026, 5, 1, tzinfo=UTC)
    shadow = ShadowRecord(line.id, application.pk, "music-encoder-2", at, 0.97, PLAY, 0.9)
    spool.append(shadow)
    assert all_shipped() == 0, "no query of its own"
    spool.append(shadow)
    line.text = "play Sade"
    spool.append(line)
    assert all_shipped() == 1
    kept = ShadowAnswer.objects.get()
    assert (kept.query.text, kept.student, kept.call, kept.confidence) == ("play Sade", "music-encoder-2", PLAY, 0.97)
