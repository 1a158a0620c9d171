"""A teacher that says byte for byte what it is told to, for what no well-behaved server says."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

ANSWER = b'{"choices": [{"message": {"role": "assistant", "content": "Hi."}}]}'


def http_answer(body: bytes = ANSWER, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A response whose end is known by its length."""
    lines = [b"HTTP/1.1 " + status, b"content-length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class RawTeacher:
    """Takes connections one after the other. Each request is answered with the next reply.

    A reply that is None hangs up without a word. After a reply in `last_words` it hangs up, too.
    """

    def __init__(self, *replies: bytes | None, last_words: bool = False) -> None:
        self.replies = list(replies)
        self.last_words = last_words
        self.requests: list[bytes] = []
        self.connections = 0

    def serve(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        while self.replies:
            try:
                connection = listener.accept()[0]
                self.connections += 1
                with context.wrap_socket(connection, server_side=True) if context else connection as stream:
                    self._talk(stream)
            except OSError:
                if listener.fileno() < 0:
                    return

    def _talk(self, stream: socket.socket) -> None:
        while self.replies and (request := read_request(stream)):
            self.requests.append(request)
            reply = self.replies.pop(0)
            if reply is None:
                return
            stream.sendall(reply)
            if self.last_words:
                return


def read_request(stream: socket.socket) -> bytes:
    """One request with its body; empty if the other side hung up."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = stream.recv(2**16)
        if not more:
            return b""
        data += more
    head = data.partition(b"\r\n\r\n")[0]
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(data) < len(head) + 4 + length:
        data += stream.recv(2**16)
    return data


@contextmanager
def listening(teacher: RawTeacher, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Its base URL while the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=teacher.serve, args=[listener, context])
        thread.start()
        scheme = "https" if context else "http"
        try:
            yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/v1"
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)
