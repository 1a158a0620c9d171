"""The gateway's server: `python -m training.gateway.serve --host HOST --port PORT`.

Several processes may serve one port: the kernel shares new connections out among those that live. Clients that send
or read too slowly are cut off, so that they hold neither memory nor a connection to the teacher.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import socket
import sys
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from training.gateway.envelope import ApiError

KEEP_ALIVE_SECONDS = 75
STOP_SECONDS = 10
"""Requests under way at the end are given so long."""
LARGEST_HEAD_BYTES = 64 * 1024


class TimeLimit:
    """Does something unless it is called off in time."""

    def __init__(self, seconds: float, act: Callable[[], None]) -> None:
        self._seconds = seconds
        self._act = act
        self._timer: asyncio.TimerHandle | None = None

    @property
    def runs(self) -> bool:
        return self._timer is not None

    def start(self) -> None:
        """From now, unless it runs."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._act)

    def call_off(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


class GatewayProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with limits that it lacks. The time for a request body is `read_body`'s to limit."""

    head_seconds = 10.0
    """For a request's head, from the opening of the connection or from the head's first byte; also for the rest of a
    body that is answered already."""
    write_seconds = 30.0
    """For the client to take some of what is waiting for it."""

    _head_bytes = 0
    _in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_limit = TimeLimit(self.head_seconds, transport.abort)
        self._write_limit = TimeLimit(self.write_seconds, transport.abort)
        self._head_limit.start()

    def data_received(self, data: bytes) -> None:
        if not self._head_limit.runs and self.cycle.response_complete:
            self._head_limit.start()
        super().data_received(data)
        if self._head_limit.runs and not self._in_body:
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD_BYTES:
                self.transport.abort()

    def on_headers_complete(self) -> None:
        self._unset_keepalive_if_required()
        self._head_limit.call_off()
        self._head_bytes = 0
        self._in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        super().on_message_complete()
        if self._head_limit.runs:
            self._be_idle()

    def _be_idle(self) -> None:
        """The rest of a body that was answered early has come, too: the connection may be used again."""
        self._head_limit.call_off()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_limit.start()

    def resume_writing(self) -> None:
        self._write_limit.call_off()
        super().resume_writing()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._write_limit.start()

    def timeout_keep_alive_handler(self) -> None:
        """A polite end would wait for ever for a client that does not read."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._head_limit.call_off()
        self._write_limit.call_off()

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP is told so in OpenAI's envelope, too."""
        body = ApiError(400, "This is not an HTTP request.", code="invalid_request").body
        head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % len(body)
        self.transport.write(b"%bconnection: close\r\n\r\n%b" % (head, body))
        self.transport.close()


def server_config(application: ASGIApp | str, protocol: type[GatewayProtocol] = GatewayProtocol) -> uvicorn.Config:
    """How the gateway is served, wherever it listens."""
    return uvicorn.Config(
        application,
        loop="uvloop",
        http=protocol,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def listen(host: str, port: int) -> socket.socket:
    """A socket that shares its port with those of other gateways.

    Raises:
        OSError: the host is none of this machine's, or something else has the port.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(address)
    return listener


def load_application() -> ASGIApp:
    """The application, with all that was imported for it left out of the garbage collector's rounds."""
    from training.gateway.asgi import application

    gc.collect()
    gc.freeze()
    return application


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.gateway.serve", description="Serve the gateway.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    arguments = parser.parse_args()
    try:
        listener = listen(arguments.host, arguments.port)
    except OSError as error:
        sys.exit(f"The gateway cannot listen on {arguments.host}, port {arguments.port}: {error}.")
    server = uvicorn.Server(server_config(load_application()))
    server.run(sockets=[listener])
    if not server.started:
        sys.exit("The gateway did not start; see above.")


if __name__ == "__main__":
    main()
