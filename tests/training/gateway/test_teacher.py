"""What goes to the teacher, what comes back, and what a client sees when the teacher fails."""

from __future__ import annotations

import json
import logging
import socket
import threading
from typing import Any

import httpx
import pytest

from tests.training.gateway.conftest import KEY, TEACHER_KEY, TEACHER_KEY_VARIABLE, TOOLS, Gateway
from tests.training.gateway.servers import FakeTeacher, wait_until
from training.selectors.snapshot import TeacherEntry

TEXT = "what is new"


def teacher_at(url: str, seconds: float = 20.0, variable: str = "") -> TeacherEntry:
    return TeacherEntry(url, "large", variable, seconds)


def test_the_body_goes_on_as_it_came_but_for_the_model(gateway: Gateway, teacher: FakeTeacher) -> None:
    body = {
        "messages": [{"role": "user", "content": "Ünïcode 😀"}],
        "of_the_future": [1.50, {"a": None}],
        "tools": TOOLS,
    }
    gateway.post(body | {"model": "odia"})
    assert teacher.requests == [body | {"model": "large"}]
    written = b'{ "model":"large" , "seed": 1.500, "messages":[{"role":"user","content":"\\u00fc"}] }'
    gateway.client.post("/v1/chat/completions", content=written)
    assert teacher.bodies[-1] == written


def test_the_teachers_key_takes_the_place_of_the_applications(
    gateway: Gateway, teacher: FakeTeacher, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        headers = {"traceparent": "00-1-2-01", "openai-beta": "x", "connection": "keep-alive, x-private"}
        gateway.client.post("/v1/chat/completions", json=chat(), headers=headers)
    [sent] = teacher.headers
    assert sent["authorization"] == f"Bearer {TEACHER_KEY}"
    assert (sent["traceparent"], sent["openai-beta"]) == ("00-1-2-01", "x")
    assert KEY not in str(teacher.headers)
    assert TEACHER_KEY not in caplog.text and KEY not in caplog.text


def test_what_is_between_the_application_and_the_gateway_stays_there(gateway: Gateway, teacher: FakeTeacher) -> None:
    """Credentials of every kind, and what holds for the one connection only."""
    private = {"api-key": KEY, "x-api-key": KEY, "cookie": "sessionid=1", "proxy-authorization": KEY, "x-private": "1"}
    headers = private | {"connection": "keep-alive, X-Private", "te": "trailers", "accept-encoding": "br"}
    assert gateway.client.post("/v1/chat/completions", json=chat(), headers=headers).status_code == 200
    [sent] = teacher.headers
    assert not sent.keys() & {*private, "connection", "te"}
    assert sent["accept-encoding"] == "identity"


def test_a_key_that_no_header_can_hold_is_said_by_its_name(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TEACHER_KEY_VARIABLE, "two\r\nlines: x")
    response = gateway.ask("a strange key")
    assert response.status_code == 503
    assert TEACHER_KEY_VARIABLE in response.json()["error"]["message"] and "lines" not in response.text


def chat(**fields: Any) -> dict[str, Any]:
    return {"model": "odia", "messages": [{"role": "user", "content": TEXT}]} | fields


def test_the_teachers_headers_come_back_but_for_its_cookies(gateway: Gateway) -> None:
    response = gateway.ask(TEXT)
    assert response.headers["x-request-id"] == "of-the-teacher"
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_an_error_of_the_teacher_passes_through(
    gateway: Gateway, teacher: FakeTeacher, status: int, stream: bool
) -> None:
    teacher.status, teacher.raw = status, b'{"error": {"message": "of the teacher"}}'
    text = f"fails with {status} {stream}"
    response = gateway.ask(text, stream=stream)
    assert (response.status_code, response.content) == (status, teacher.raw)
    [record] = gateway.records(text)
    assert (record.status, record.answer) == (status, None)


@pytest.mark.parametrize("stream", [False, True])
def test_garbage_of_the_teacher_passes_through_and_is_no_answer(
    gateway: Gateway, teacher: FakeTeacher, stream: bool
) -> None:
    for number, raw in enumerate((b"", b"<html>", b"[]", b'{"choices": 7}', b'{"choices": [{"message": 7}]}', b"\xff")):
        teacher.raw = raw
        text = f"garbage {number} {stream}"
        response = gateway.ask(text, stream=stream)
        assert (response.status_code, response.content) == (200, raw)
        assert [record.answer for record in gateway.records(text)] == [None]


def test_a_teacher_that_cannot_be_reached_is_502(gateway: Gateway) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        gateway.know(teacher=teacher_at(f"http://127.0.0.1:{taken.getsockname()[1]}/v1"))
        response = gateway.ask("nobody there")
    assert response.status_code == 502
    assert "cannot be reached" in response.json()["error"]["message"]
    assert [record.status for record in gateway.records("nobody there")] == [502]


@pytest.mark.parametrize("url", ["", "no url", "ftp://127.0.0.1/v1", "http://[::1", "http://127.0.0.1:99999/v1"])
def test_an_address_that_is_none_is_502(gateway: Gateway, url: str) -> None:
    gateway.know(teacher=teacher_at(url))
    assert gateway.ask(TEXT).status_code == 502


def test_a_teacher_that_is_too_slow_is_504(gateway: Gateway, teacher: FakeTeacher) -> None:
    gateway.know(teacher=teacher_at(f"{gateway.teacher_url}/v1", seconds=0.2))
    teacher.seconds = 30
    response = gateway.ask("slow one")
    assert response.status_code == 504
    assert "within 0.2 seconds" in response.json()["error"]["message"]
    wait_until(lambda: teacher.cancelled == 1, "the end of the call to the teacher")


def test_a_key_that_is_not_set_is_said_by_its_name(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TEACHER_KEY_VARIABLE)
    monkeypatch.setenv(f"{TEACHER_KEY_VARIABLE}_FILE", "/nowhere/key")
    response = gateway.ask("no key")
    assert response.status_code == 503
    assert f"set the variable {TEACHER_KEY_VARIABLE}" in response.json()["error"]["message"]


def test_a_key_may_stand_in_a_file(
    gateway: Gateway, teacher: FakeTeacher, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    monkeypatch.delenv(TEACHER_KEY_VARIABLE)
    monkeypatch.setenv(f"{TEACHER_KEY_VARIABLE}_FILE", str(tmp_path / "key"))
    gateway.ask("key in a file")
    assert teacher.headers[-1]["authorization"] == "Bearer from-a-file"


def test_a_connection_that_breaks_is_tried_once_more(gateway: Gateway) -> None:
    """A server that hangs up on its first connection and answers on the second."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=hang_up_then_answer, args=[server])
        thread.start()
        gateway.know(teacher=teacher_at(f"http://127.0.0.1:{server.getsockname()[1]}/v1"))
        response = gateway.ask("again")
        thread.join()
    assert (response.status_code, response.text) == (200, "second")


def hang_up_then_answer(server: socket.socket) -> None:
    server.accept()[0].close()
    connection = server.accept()[0]
    with connection:
        connection.recv(2**16)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecond")


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_ends_the_call_to_the_teacher(
    gateway: Gateway, teacher: FakeTeacher, stream: bool
) -> None:
    teacher.seconds = 30
    text = f"impatient {stream}"
    with pytest.raises(httpx.ReadTimeout):
        gateway.client.post(
            "/v1/chat/completions", json=chat(messages=[{"role": "user", "content": text}], stream=stream), timeout=0.3
        )
    wait_until(lambda: teacher.cancelled == 1, "the end of the call to the teacher")
    wait_until(lambda: [record.status for record in gateway.records(text)] == [499], "its record")


def test_a_stream_that_is_cut_short_is_no_answer(gateway: Gateway, teacher: FakeTeacher) -> None:
    teacher.breaks_off = True
    response = gateway.ask("cut short", stream=True)
    last = response.text.strip().splitlines()[-1]
    assert "broke off" in json.loads(last.removeprefix("data: "))["error"]["message"]
    [record] = gateway.records("cut short")
    assert (record.status, record.answer) == (502, None)


def test_a_stream_passes_as_it_came(gateway: Gateway, teacher: FakeTeacher) -> None:
    through = gateway.ask(TEXT, stream=True).text
    direct = httpx.post(f"{gateway.teacher_url}/v1/chat/completions", json=chat(stream=True)).text
    assert through == direct
