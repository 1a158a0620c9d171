"""The connections to a teacher: kept, retried, encrypted, by way of a proxy, and trusted only as far as HTTP goes."""

from __future__ import annotations

import gzip
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.training.gateway.conftest import Gateway
from tests.training.gateway.raw_teacher import ANSWER, RawTeacher, http_answer, listening
from training.gateway.endpoint import tls_context
from training.selectors.snapshot import TeacherEntry

SPLIT = [ANSWER[:20], ANSWER[20:]]
CHUNKED = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in SPLIT) + b"0\r\n\r\n"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def know(gateway: Gateway, url: str, seconds: float = 20.0) -> None:
    gateway.know(teacher=TeacherEntry(url, "large", "", seconds))


def test_a_connection_is_used_again(gateway: Gateway) -> None:
    teacher = RawTeacher(*[http_answer()] * 5)
    with listening(teacher) as url:
        know(gateway, url)
        assert [gateway.ask("again and again").content for _ in range(5)] == [ANSWER] * 5
    assert teacher.connections == 1


def test_a_kept_connection_that_the_teacher_closes_fails_no_request(gateway: Gateway) -> None:
    teacher = RawTeacher(http_answer(), None, http_answer(), None, http_answer())
    with listening(teacher) as url:
        know(gateway, url)
        assert [gateway.ask("idle").status_code for _ in range(3)] == [200, 200, 200]
    assert (teacher.connections, len(teacher.requests)) == (3, 5)


def test_a_request_is_sent_again_once_only(gateway: Gateway) -> None:
    teacher = RawTeacher(None, None, http_answer())
    with listening(teacher) as url:
        know(gateway, url)
        assert gateway.ask("hangs up").status_code == 502
        assert len(teacher.requests) == 2


@pytest.mark.parametrize(
    "reply", [b"HTTP/1.1 200 OK\r\ncontent-le", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"]
)
def test_nothing_is_sent_again_once_an_answer_has_begun(gateway: Gateway, reply: bytes) -> None:
    teacher = RawTeacher(reply, http_answer(), last_words=True)
    with listening(teacher) as url:
        know(gateway, url)
        assert gateway.ask("half an answer").status_code == 502
        assert len(teacher.requests) == 1


def test_nothing_is_sent_again_after_a_time_out(gateway: Gateway) -> None:
    teacher = RawTeacher(b"", http_answer())
    with listening(teacher) as url:
        know(gateway, url, seconds=0.2)
        assert gateway.ask("says nothing").status_code == 504
        assert len(teacher.requests) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_stops_in_the_middle_is_too_slow(gateway: Gateway, stream: bool) -> None:
    kind = b"content-type: text/event-stream" if stream else b"content-type: application/json"
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n%b\r\n\r\ndata: {}\n\n" % kind
    with listening(RawTeacher(head, b"")) as url:
        know(gateway, url, seconds=0.2)
        response = gateway.ask(f"stops {stream}", stream=stream)
    assert "did not answer within 0.2 seconds" in response.text
    assert response.status_code == (200 if stream else 504)
    assert [record.status for record in gateway.records(f"stops {stream}")] == [504]


@pytest.mark.parametrize(
    "reply",
    [
        http_answer(),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNKED,
        b"HTTP/1.1 200 OK\r\n\r\n" + ANSWER,
        b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n" + ANSWER,
        b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + http_answer(),
        http_answer() + b"and more that nobody asked for",
        http_answer() + http_answer(b"of nobody"),
    ],
)
def test_every_way_to_end_a_body_is_understood(gateway: Gateway, reply: bytes) -> None:
    with listening(RawTeacher(reply, reply, last_words=True)) as url:
        know(gateway, url)
        assert [gateway.ask("ends somehow").content for _ in range(2)] == [ANSWER, ANSWER]


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 7\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x-filler: " + b"x" * 100_000,
        http_answer(b"not zipped", b"content-encoding: gzip"),
        http_answer(gzip.compress(ANSWER)[:-9], b"content-encoding: gzip"),
        b"",
    ],
)
def test_what_is_not_http_is_502(gateway: Gateway, reply: bytes) -> None:
    with listening(RawTeacher(reply, reply, last_words=True)) as url:
        know(gateway, url)
        response = gateway.ask("no sense")
    assert response.status_code == 502
    assert "broke off" in response.json()["error"]["message"]


def test_a_teacher_that_zips_unasked_is_understood(gateway: Gateway) -> None:
    zipped = http_answer(gzip.compress(ANSWER), b"content-encoding: gzip")
    with listening(RawTeacher(zipped)) as url:
        know(gateway, url)
        response = gateway.ask("zipped")
    assert response.content == ANSWER and "content-encoding" not in response.headers
    [record] = gateway.records("zipped")
    assert record.answer


def test_an_encoding_that_is_not_known_passes_with_its_label(gateway: Gateway) -> None:
    with listening(RawTeacher(http_answer(b"\x01\x02", b"content-encoding: x-other"))) as url:
        know(gateway, url)
        with gateway.client.stream("POST", "/v1/chat/completions", json=ASK) as response:
            assert b"".join(response.iter_raw()) == b"\x01\x02"
    assert response.headers["content-encoding"] == "x-other"


ASK = {"model": "odia", "messages": [{"role": "user", "content": "in another encoding"}]}


@pytest.mark.parametrize("status", [b"301 Moved", b"302 Found", b"307 Temporary", b"308 Permanent"])
def test_a_redirect_is_not_followed(gateway: Gateway, status: bytes) -> None:
    elsewhere = RawTeacher(http_answer())
    with listening(elsewhere) as other_url:
        reply = http_answer(b"", b"location: " + other_url.encode(), status=status)
        with listening(RawTeacher(reply)) as url:
            know(gateway, url)
            response = gateway.ask("over there")
    assert response.status_code == 502 and "redirects" in response.json()["error"]["message"]
    assert "location" not in response.headers and not elsewhere.connections


def test_a_proxy_is_asked_for_the_whole_address(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = RawTeacher(http_answer())
    with listening(proxy) as url:
        monkeypatch.setenv("HTTP_PROXY", url.removesuffix("/v1").replace("//", "//user:pass%21@"))
        know(gateway, "http://teacher.invalid:8080/v1")
        assert gateway.ask("by proxy").content == ANSWER
    head = proxy.requests[0].partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert head[0] == b"POST http://teacher.invalid:8080/v1/chat/completions HTTP/1.1"
    assert b"host: teacher.invalid:8080" in head
    assert b"proxy-authorization: Basic dXNlcjpwYXNzIQ==" in head


def test_an_address_without_proxy_is_asked_directly(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "example.org,127.0.0.1")
    with listening(RawTeacher(http_answer())) as url:
        know(gateway, url)
        assert gateway.ask("no proxy").status_code == 200


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """A certificate authority that this machine trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    tls_context.cache_clear()
    yield authority
    tls_context.cache_clear()


def tls_for(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_an_encrypted_teacher_is_verified_and_asked(gateway: Gateway, authority: trustme.CA) -> None:
    with listening(RawTeacher(http_answer()), tls_for(authority, "127.0.0.1")) as url:
        know(gateway, url)
        assert gateway.ask("encrypted").content == ANSWER


def test_the_certificate_of_another_is_502(gateway: Gateway, authority: trustme.CA) -> None:
    teacher = RawTeacher(http_answer())
    for context in (tls_for(authority, "other.example"), tls_for(trustme.CA(), "127.0.0.1")):
        with listening(teacher, context) as url:
            know(gateway, url)
            assert gateway.ask("somebody else").status_code == 502
    assert not teacher.requests


def test_a_proxy_opens_a_tunnel_to_an_encrypted_teacher(
    gateway: Gateway, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    tunnel = Tunnel(tls_for(authority, "teacher.invalid"), http_answer())
    with listening(tunnel) as url:
        monkeypatch.setenv("HTTPS_PROXY", url.removesuffix("/v1"))
        know(gateway, "https://teacher.invalid/v1")
        assert gateway.ask("through the tunnel").content == ANSWER
    assert tunnel.requests[0].startswith(b"CONNECT teacher.invalid:443 HTTP/1.1\r\n")
    assert tunnel.requests[1].startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")


class Tunnel(RawTeacher):
    """A proxy that is, at the other end of its tunnel, the teacher too."""

    def __init__(self, context: ssl.SSLContext, *replies: bytes) -> None:
        super().__init__(b"HTTP/1.1 200 Connection established\r\n\r\n", *replies, last_words=True)
        self._context = context

    def _talk(self, stream: socket.socket) -> None:
        super()._talk(stream)
        with self._context.wrap_socket(stream, server_side=True) as inside:
            super()._talk(inside)


def test_a_proxy_that_refuses_is_502(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    refusal = http_answer(b"", status=b"407 Proxy Authentication Required")
    with listening(RawTeacher(refusal, refusal)) as url:
        monkeypatch.setenv("HTTPS_PROXY", url.removesuffix("/v1"))
        know(gateway, "https://refused.invalid/v1")
        assert gateway.ask("refused").status_code == 502
