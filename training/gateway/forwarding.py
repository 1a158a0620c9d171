"""The way of a request that the teacher answers: sent on as it came, the answer passed back as it comes."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send

from training.gateway.disconnects import ClientGone, until_disconnected
from training.gateway.envelope import ApiError, TeacherError, send_error
from training.gateway.exchange import Exchange
from training.gateway.recorder import Recorder
from training.gateway.teacher import TeacherClient
from training.gateway.teacher_answers import StreamAssembly, decode, error_event, read_answer
from training.gateway.teacher_response import TeacherResponse
from training.selectors.snapshot import TeacherEntry

EVENT_STREAM = b"text/event-stream"
CLIENT_CLOSED_REQUEST = 499
"""Status in the record of a request whose client went away; nobody receives it."""
SERVICE_UNAVAILABLE = 503


class Forwarding:
    """Asks the application's teacher. Whatever goes wrong there is told in OpenAI's error envelope."""

    def __init__(self, teacher: TeacherClient, recorder: Recorder) -> None:
        self._teacher = teacher
        self._recorder = recorder

    async def answer(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            teacher = exchange.application.teacher
            if teacher is None:
                raise TeacherError(
                    503, "This application has no teacher; set one with `manage.py set_teacher`.", code="no_teacher"
                )
            await until_disconnected(receive, self._forward(exchange, teacher, scope, send))
        except ClientGone:
            self._recorder.record(exchange, CLIENT_CLOSED_REQUEST)
        except asyncio.CancelledError:  # the server stops and waits no longer
            self._recorder.record(exchange, SERVICE_UNAVAILABLE)
            raise
        except ApiError as error:
            exchange.watch.lap("teacher")
            self._recorder.record(exchange, error.status)
            await send_error(send, error, exchange.headers)

    async def _forward(self, exchange: Exchange, teacher: TeacherEntry, scope: Scope, send: Send) -> None:
        body = exchange.chat.with_model(teacher.model)
        response = await self._teacher.ask(teacher, scope["headers"], body)
        try:
            if response.streams:
                await self._pass_stream(exchange, response, send)
            else:
                await self._pass_whole(exchange, response, send)
        finally:
            response.close()

    async def _pass_whole(self, exchange: Exchange, response: TeacherResponse, send: Send) -> None:
        body = await response.read()
        exchange.watch.lap("teacher")
        status = response.status
        answer = read_answer(decode(body), latency_ms=exchange.watch.steps["teacher"]) if status == 200 else None
        self._recorder.record(exchange, status, answer)
        head = [*response.headers, (b"content-length", b"%d" % len(body)), *exchange.headers]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": body})

    async def _pass_stream(self, exchange: Exchange, response: TeacherResponse, send: Send) -> None:
        exchange.watch.lap("teacher")
        status, assembly = response.status, StreamAssembly()
        head = [*response.headers, *exchange.headers]
        await send({"type": "http.response.start", "status": status, "headers": head})
        try:
            while chunk := await response.chunk():
                assembly.feed(chunk)
                if assembly.complete:
                    self._record_stream(exchange, status, assembly)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TeacherError as error:
            status = error.status
            await send({"type": "http.response.body", "body": error_event(error), "more_body": True})
        self._record_stream(exchange, status, assembly)
        await send({"type": "http.response.body", "body": b""})

    def _record_stream(self, exchange: Exchange, status: int, assembly: StreamAssembly) -> None:
        """Before the last event leaves, once."""
        if exchange.recorded:
            return
        exchange.watch.lap("stream")
        steps = exchange.watch.steps
        self._recorder.record(exchange, status, assembly.answer(latency_ms=steps["teacher"] + steps["stream"]))
