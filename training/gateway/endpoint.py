"""Where a teacher is and how it is reached: directly or by way of a proxy, plain or encrypted, and pooled."""

from __future__ import annotations

import asyncio
import ssl
import time
from base64 import b64encode
from collections import deque
from functools import cache
from urllib.request import getproxies, proxy_bypass

import httpx

from training.gateway.http_connection import ConnectionBroken, HttpConnection, RawHeaders

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 30.0
"""A connection that was idle for longer is not used again: the other side may be about to close it."""
PORTS = {"http": 80, "https": 443}


class AddressInvalid(Exception):
    """The teacher's address, or that of the proxy before it, is none that can be asked."""


class Endpoint:
    """`POST {base_url}/chat/completions`. Which proxy leads there is read from the environment, once."""

    def __init__(self, base_url: str) -> None:
        """Raises AddressInvalid."""
        self._url = _parse(f"{base_url.rstrip('/')}/chat/completions")
        self._proxy = _proxy_for(self._url)
        self._idle: deque[tuple[float, HttpConnection]] = deque()
        self._encrypted = self._url.scheme == "https"
        self._head = self._request_head()

    def request(self, headers: RawHeaders, body: bytes) -> bytes:
        """The request as it goes over the wire."""
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        return b"%b%bcontent-length: %d\r\n\r\n%b" % (self._head, lines, len(body), body)

    def take_idle(self) -> HttpConnection | None:
        """The connection that was used last, if it is still open."""
        not_before = time.monotonic() - IDLE_SECONDS
        while self._idle:
            idle_since, connection = self._idle.pop()
            if not connection.closed and idle_since >= not_before:
                return connection
            connection.close()
        return None

    def give_back(self, connection: HttpConnection) -> None:
        """Keep it for the next request if it can serve one; close it if not."""
        if not connection.reusable:
            connection.close()
            return
        now = time.monotonic()
        self._idle.append((now, connection))
        while self._idle[0][0] < now - IDLE_SECONDS:
            self._idle.popleft()[1].close()

    async def connect(self, deadline: float) -> HttpConnection:
        """A new connection.

        Raises:
            OSError, ConnectionBroken, TimeoutError: there is no way there now.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout_at(min(deadline, loop.time() + CONNECT_SECONDS)):
            if self._proxy and self._encrypted:
                return await self._connect_through_tunnel(self._proxy, deadline)
            context = tls_context() if self._encrypted else None
            host, port = _host_and_port(self._proxy or self._url)
            _, connection = await loop.create_connection(HttpConnection, host, port, ssl=context)
            return connection

    def close(self) -> None:
        while self._idle:
            self._idle.pop()[1].close()

    async def _connect_through_tunnel(self, proxy: httpx.URL, deadline: float) -> HttpConnection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(HttpConnection, *_host_and_port(proxy))
        try:
            connection.send(_connect_request(self._url, proxy))
            head = await connection.head(deadline)
            if head.status // 100 != 2:
                raise ConnectionBroken(f"The proxy refuses, with status {head.status}.")
            await connection.start_tls(tls_context(), self._url.host)
        except BaseException:
            connection.close()
            raise
        return connection

    def _request_head(self) -> bytes:
        """A proxy for plain HTTP is asked for the whole URL."""
        target, authorization = self._url.raw_path, b""
        if self._proxy and not self._encrypted:
            target = b"http://%b%b" % (self._url.netloc, target)
            authorization = _proxy_authorization(self._proxy)
        return b"POST %b HTTP/1.1\r\nhost: %b\r\n%b" % (target, self._url.netloc, authorization)


@cache
def tls_context() -> ssl.SSLContext:
    """Certificates are verified, against SSL_CERT_FILE or SSL_CERT_DIR where one is set."""
    return httpx.create_ssl_context()


def _parse(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise AddressInvalid(f"it is not a URL: {error}") from error
    if url.scheme not in PORTS or not url.host or not 0 < (url.port or 1) < 2**16:
        raise AddressInvalid("it must be http:// or https:// with a host")
    return url


def _proxy_for(url: httpx.URL) -> httpx.URL | None:
    """As HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say."""
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(url.netloc.decode()):
        return None
    parsed = _parse(proxy if "://" in proxy else f"http://{proxy}")
    if parsed.scheme != "http":
        raise AddressInvalid("its proxy must be spoken to by http://")
    return parsed


def _host_and_port(url: httpx.URL) -> tuple[str, int]:
    return url.raw_host.decode(), url.port or PORTS[url.scheme]


def _connect_request(url: httpx.URL, proxy: httpx.URL) -> bytes:
    host = b"[%b]" % url.raw_host if b":" in url.raw_host else url.raw_host
    authority = b"%b:%d" % (host, url.port or PORTS[url.scheme])
    return b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (authority, authority, _proxy_authorization(proxy))


def _proxy_authorization(proxy: httpx.URL) -> bytes:
    if not proxy.userinfo:
        return b""
    words = b64encode(f"{proxy.username}:{proxy.password}".encode())
    return b"proxy-authorization: Basic %b\r\n" % words
