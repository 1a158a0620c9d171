"""Masking at the gateway: the spool holds made-up data, teacher and client the true."""

from __future__ import annotations

from curation.services.masking import mask_of
from tests.training.gateway.conftest import Gateway
from tests.training.gateway.servers import FakeTeacher

TEXT = "mail bob@example.com or ring +49 170 1234567"


def test_only_what_is_kept_is_masked(gateway: Gateway, teacher: FakeTeacher) -> None:
    gateway.know(mask_personal=True)
    answer = gateway.ask(TEXT, user="anna")
    assert answer.status_code == 200
    assert TEXT in str(teacher.requests[-1])
    assert gateway.records(TEXT) == []
    (kept,) = gateway.records(mask_of(1).texts(TEXT)[0])
    assert kept.masked
    assert (kept.text or "").startswith("mail ")
    assert "bob" not in str(kept)
    assert "1234567" not in str(kept)
    assert kept.client_id == "anna"
