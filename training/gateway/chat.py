"""`POST /v1/chat/completions`: the whole way of a request, from its key to the line in the spool."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
from starlette.types import Receive, Scope, Send

from curation.ml.calls import Call
from curation.models.traffic import Route
from training.gateway.access import Access
from training.gateway.answers import completion, completion_stream
from training.gateway.disconnects import ClientGone, until_disconnected
from training.gateway.envelope import ApiError, TeacherError, send_body, send_error
from training.gateway.exchange import Exchange, Stopwatch
from training.gateway.form import parse_chat, read_body
from training.gateway.inline import InlineRouter
from training.gateway.offered_tools import ToolSetCache
from training.gateway.teacher import TeacherClient, broke_off, headers_back, timed_out
from training.gateway.teacher_answers import StreamAssembly, decode, error_event, read_answer
from training.selectors.snapshot import TeacherEntry
from training.services.spool import AnswerRecord, Spool

EVENT_STREAM = b"text/event-stream"
CLIENT_CLOSED_REQUEST = 499
"""Status in the record of a request whose client went away; nobody receives it."""


class ChatCompletions:
    """The endpoint, as an ASGI application: nothing here waits for a database."""

    def __init__(
        self, access: Access, router: InlineRouter, teacher: TeacherClient, spool: Spool, body_limit: int
    ) -> None:
        self._access = access
        self._router = router
        self._teacher = teacher
        self._spool = spool
        self._body_limit = body_limit
        self._tool_sets = ToolSetCache()
        self.answered: Counter[tuple[str, str]] = Counter()
        """Requests by route and reason since the start, those without a user's text included."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            exchange = await self._decide(scope, receive)
        except ApiError as error:
            await send_error(send, error)
            return
        decision = exchange.decision
        if decision.call and decision.route in (Route.MEMO, Route.STUDENT):
            await self._answer(exchange, decision.call, send)
        else:
            await self._ask_teacher(exchange, scope, receive, send)

    async def _decide(self, scope: Scope, receive: Receive) -> Exchange:
        watch = Stopwatch()
        key, application = self._access.authenticate(scope)
        watch.lap("key")
        chat = parse_chat(await read_body(scope, receive, self._body_limit))
        self._access.check_model(chat.model, application)
        tools = self._tool_sets.read(chat.fields["tools"]) if "tools" in chat.fields else None
        watch.lap("form")
        decision = await self._router.decide(chat, tools, application, watch)
        return Exchange(watch, application, key.id, chat, tools, decision)

    async def _answer(self, exchange: Exchange, call: Call, send: Send) -> None:
        self._record(exchange, 200)
        headers = [(b"x-request-id", str(exchange.id).encode()), *exchange.headers]
        if exchange.chat.streams:
            headers.append((b"cache-control", b"no-cache"))
            await send_body(send, 200, headers, completion_stream(exchange, call), EVENT_STREAM)
        else:
            await send_body(send, 200, headers, completion(exchange, call))

    async def _ask_teacher(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            teacher = exchange.application.teacher
            if teacher is None:
                raise TeacherError(
                    503, "This application has no teacher; set one with `manage.py set_teacher`.", code="no_teacher"
                )
            await until_disconnected(receive, self._forward(exchange, teacher, scope, send))
        except ClientGone:
            self._record(exchange, CLIENT_CLOSED_REQUEST)
        except ApiError as error:
            exchange.watch.lap("teacher")
            self._record(exchange, error.status)
            await send_error(send, error, exchange.headers)

    async def _forward(self, exchange: Exchange, teacher: TeacherEntry, scope: Scope, send: Send) -> None:
        body = exchange.chat.with_model(teacher.model)
        response = await self._teacher.ask(teacher, scope["headers"], body)
        try:
            if response.headers.get("content-type", "").encode().startswith(EVENT_STREAM):
                await self._pass_stream(exchange, teacher, response, send)
            else:
                await self._pass_whole(exchange, teacher, response, send)
        finally:
            await response.aclose()

    async def _pass_whole(
        self, exchange: Exchange, teacher: TeacherEntry, response: httpx.Response, send: Send
    ) -> None:
        try:
            async with asyncio.timeout(teacher.timeout_seconds):
                body = await response.aread()
        except (TimeoutError, httpx.TimeoutException) as error:
            raise timed_out(teacher) from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise broke_off() from error
        exchange.watch.lap("teacher")
        status = response.status_code
        answer = read_answer(decode(body), latency_ms=exchange.watch.steps["teacher"]) if status == 200 else None
        self._record(exchange, status, answer)
        await send({"type": "http.response.start", "status": status, "headers": _head(exchange, response, body)})
        await send({"type": "http.response.body", "body": body})

    async def _pass_stream(
        self, exchange: Exchange, teacher: TeacherEntry, response: httpx.Response, send: Send
    ) -> None:
        exchange.watch.lap("teacher")
        status, assembly = response.status_code, StreamAssembly()
        await send({"type": "http.response.start", "status": status, "headers": _head(exchange, response)})
        try:
            async for chunk in response.aiter_bytes():
                assembly.feed(chunk)
                if assembly.complete:
                    self._record_stream(exchange, status, assembly)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except (httpx.TransportError, httpx.DecodingError) as error:
            failure = timed_out(teacher) if isinstance(error, httpx.TimeoutException) else broke_off()
            status = failure.status
            await send({"type": "http.response.body", "body": error_event(failure), "more_body": True})
        self._record_stream(exchange, status, assembly)
        await send({"type": "http.response.body", "body": b""})

    def _record_stream(self, exchange: Exchange, status: int, assembly: StreamAssembly) -> None:
        """Before the last event leaves, once."""
        if exchange.recorded:
            return
        exchange.watch.lap("stream")
        steps = exchange.watch.steps
        self._record(exchange, status, assembly.answer(latency_ms=steps["teacher"] + steps["stream"]))

    def _record(self, exchange: Exchange, status: int, answer: AnswerRecord | None = None) -> None:
        if exchange.recorded:
            return
        exchange.recorded = True
        kind = exchange.decision.reason.partition(":")[0]  # what follows may hold words of the query
        self.answered[exchange.decision.route, kind] += 1
        self._spool.append(exchange.record(status, answer))


def _head(exchange: Exchange, response: httpx.Response, body: bytes | None = None) -> list[tuple[bytes, bytes]]:
    length = [] if body is None else [(b"content-length", str(len(body)).encode())]
    return [*headers_back(response), *length, *exchange.headers]
