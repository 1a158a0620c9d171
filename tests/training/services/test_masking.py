"""Masked lines of the spool, and lines from before the masking was switched on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from curation.identifiers import new_id
from curation.ml.calls import Call
from curation.models import Application, Query, RouterDecision, ShadowAnswer, TeacherCall
from training.selectors.snapshot import read_snapshot
from training.services.masking import masked, masked_shadow
from training.services.records import AnswerRecord, RequestRecord, ShadowRecord
from training.services.shipping import ship

ADDRESS = "bob@example.com"
CALL = Call("mail", {"to": ADDRESS})


def line(application: Application) -> RequestRecord:
    now = datetime.now(UTC)
    return RequestRecord(
        id=new_id(now),
        application_id=application.pk,
        key_id=1,
        arrived_at=now,
        route="student",
        reason=f"memo: {ADDRESS}",
        total_ms=2.0,
        status=200,
        text=f"mail {ADDRESS}",
        context=[{"role": "user", "content": f"hello, {ADDRESS}"}],
        call=CALL,
        answer=AnswerRecord(call=CALL),
        audit=True,
        request={"messages": [{"role": "user", "content": f"mail {ADDRESS}"}]},
    )


def shadow(record: RequestRecord) -> ShadowRecord:
    return ShadowRecord(
        shadow_of=record.id,
        application_id=record.application_id,
        student="music-encoder-2",
        answered_at=record.arrived_at,
        confidence=0.9,
        call=CALL,
    )


def ship_lines(folder: Path, *records: RequestRecord | ShadowRecord) -> None:
    (folder / "1-1-1.ready").write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in records))
    ship(folder)


def stored() -> str:
    return str([list(model.objects.values()) for model in (Query, TeacherCall, RouterDecision, ShadowAnswer)])


def switch_on(application: Application) -> None:
    application.mask_personal = True
    application.save()


def test_nothing_of_it_is_left_in_a_masked_line(application: Application) -> None:
    record = masked(line(application))
    both = msgspec.json.encode([record, masked_shadow(shadow(record))])
    assert b"bob" not in both
    assert record.masked
    assert record.call is not None
    assert record.text == f"mail {record.call.arguments['to']}"


def test_masked_lines_are_stored_as_they_are(application: Application, tmp_path: Path) -> None:
    switch_on(application)
    record = masked(line(application))
    ship_lines(tmp_path, record)
    assert Query.objects.get().text == record.text


def test_lines_from_before_are_masked_on_their_way_in_alike(application: Application, tmp_path: Path) -> None:
    switch_on(application)
    record = line(application)
    ship_lines(tmp_path, record, shadow(record))
    assert "bob" not in stored()
    assert Query.objects.get().text == masked(record).text
    assert ShadowAnswer.objects.get().call == Query.objects.get().call


def test_without_masking_everything_is_stored_as_it_came(application: Application, tmp_path: Path) -> None:
    ship_lines(tmp_path, line(application))
    assert Query.objects.get().text == f"mail {ADDRESS}"


def test_gateways_learn_of_it(application: Application) -> None:
    assert not read_snapshot().applications[application.pk].mask_personal
    switch_on(application)
    assert read_snapshot().applications[application.pk].mask_personal
