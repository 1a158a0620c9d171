"""A client that sends or reads too slowly is hung up on and holds nothing."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.training.gateway.conftest import KEY, STRICT_SECONDS, TOOLS, Gateway
from tests.training.gateway.raw_teacher import RawTeacher, http_answer, listening
from tests.training.gateway.servers import FakeTeacher, wait_until
from training.gateway.serve import LARGEST_HEAD_BYTES
from training.selectors.snapshot import TeacherEntry

MUCH = 64 * 1024 * 1024


def chat(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "odia", "messages": [{"role": "user", "content": text}], "tools": TOOLS} | fields


@contextmanager
def connected(gateway: Gateway) -> Iterator[socket.socket]:
    url = httpx.URL(gateway.url)
    with socket.create_connection((url.host, url.port), timeout=30) as stream:
        yield stream


def request_head(length: int, path: str = "/v1/chat/completions") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-length: {length}\r\n\r\n".encode()
    )


def read_to_end(stream: socket.socket) -> bytes:
    """All until the gateway hangs up."""
    data = b""
    try:
        while more := stream.recv(2**16):
            data += more
    except ConnectionResetError:
        pass
    return data


@pytest.mark.parametrize("start", [b"", b"POST /v1/chat", b"\r\n\r\n", request_head(5)[:-2]])
def test_a_head_that_is_never_finished_ends_the_connection(strict: Gateway, start: bytes) -> None:
    with connected(strict) as stream:
        stream.sendall(start)
        assert read_to_end(stream) == b""


def test_the_next_head_on_a_kept_connection_is_not_waited_for_either(strict: Gateway) -> None:
    body = json.dumps(chat("play Sade")).encode()
    with connected(strict) as stream:
        stream.sendall(request_head(len(body)) + body)
        assert stream.recv(2**16).startswith(b"HTTP/1.1 200")
        stream.sendall(b"POST /v1")
        assert b"HTTP/1.1" not in read_to_end(stream)


def test_a_kept_connection_may_be_idle_for_longer(strict: Gateway) -> None:
    body = json.dumps(chat("play Sade")).encode()
    with connected(strict) as stream:
        for _ in range(2):
            stream.sendall(request_head(len(body)) + body)
            assert stream.recv(2**16).startswith(b"HTTP/1.1 200")
            time.sleep(2 * STRICT_SECONDS)


def test_a_head_without_end_is_cut_off(strict: Gateway) -> None:
    with connected(strict) as stream, pytest.raises(OSError):
        stream.sendall(b"GET / HTTP/1.1\r\nx-filler: ")
        for _ in range(1000):
            stream.sendall(b"x" * LARGEST_HEAD_BYTES)


def test_a_body_that_is_never_finished_is_408(strict: Gateway, teacher: FakeTeacher) -> None:
    body = json.dumps(chat("slow body")).encode()
    with connected(strict) as stream:
        stream.sendall(request_head(len(body)) + body[:-1])
        answer = stream.recv(2**16)
    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    error = json.loads(content)["error"]
    assert error["code"] == "request_timeout" and f"within {STRICT_SECONDS} seconds" in error["message"]
    assert not teacher.requests


def test_a_body_that_goes_on_after_its_answer_is_cut_off(strict: Gateway) -> None:
    """A refused client that sends and sends."""
    with connected(strict) as stream:
        stream.sendall(request_head(10**9).replace(KEY.encode(), b"odia-wrong"))
        assert stream.recv(2**16).startswith(b"HTTP/1.1 401")
        with pytest.raises(OSError):
            for _ in range(1000):
                stream.sendall(b"x")
                time.sleep(0.01)


@pytest.mark.parametrize("rest", [1, 3 * LARGEST_HEAD_BYTES])
def test_a_connection_whose_body_was_answered_early_goes_on_after_its_rest(strict: Gateway, rest: int) -> None:
    """However long the rest is, and idle for longer than a head may take."""
    body = json.dumps(chat("play Sade")).encode()
    with connected(strict) as stream:
        stream.sendall(request_head(rest).replace(KEY.encode(), b"odia-wrong"))
        assert stream.recv(2**16).startswith(b"HTTP/1.1 401")
        stream.sendall(b"x" * rest)
        time.sleep(2 * STRICT_SECONDS)
        stream.sendall(request_head(len(body)) + body)
        assert stream.recv(2**16).startswith(b"HTTP/1.1 200")


def test_a_client_that_does_not_read_holds_no_connection_to_the_teacher(strict: Gateway) -> None:
    """The teacher's stream is endless for it."""
    event = b"data: " + b"x" * 2**16 + b"\n\n"
    answer = http_answer(event * (MUCH // len(event)), b"content-type: text/event-stream")
    body = json.dumps(chat("does not read", stream=True)).encode()
    with listening(RawTeacher(answer)) as url:
        strict.know(teacher=TeacherEntry(url, "large", "", 20.0))
        with connected(strict) as stream:
            stream.sendall(request_head(len(body)) + body)
            wait_until(lambda: strict.records("does not read"), "the end of the request")
            assert len(read_to_end(stream)) < MUCH
    assert [record.status for record in strict.records("does not read")] == [499]


def test_an_answer_that_nobody_reads_is_dropped(strict: Gateway) -> None:
    """One that was written whole, by a client that asked to close."""
    answer = http_answer(b" " * (16 * 1024 * 1024))
    body = json.dumps(chat("asks and forgets")).encode()
    with listening(RawTeacher(answer)) as url:
        strict.know(teacher=TeacherEntry(url, "large", "", 20.0))
        with connected(strict) as stream:
            stream.sendall(request_head(len(body)).replace(b"host:", b"connection: close\r\nhost:") + body)
            wait_until(lambda: strict.records("asks and forgets"), "the answer")
            time.sleep(3 * STRICT_SECONDS)
            assert len(read_to_end(stream)) < 16 * 1024 * 1024


def test_what_is_not_http_is_told_so_in_the_envelope(strict: Gateway) -> None:
    with connected(strict) as stream:
        stream.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        head, _, content = read_to_end(stream).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and json.loads(content)["error"]["code"] == "invalid_request"
