"""`POST /v1/chat/completions`: the whole way of a request, from its key to the line in the spool."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from curation.ml.calls import Call
from curation.models.traffic import Route
from training.gateway.access import Access
from training.gateway.answers import completion, completion_stream
from training.gateway.envelope import ApiError, send_body, send_error
from training.gateway.exchange import Exchange, Stopwatch
from training.gateway.form import parse_chat, read_body
from training.gateway.forwarding import EVENT_STREAM, Forwarding
from training.gateway.inline import InlineRouter
from training.gateway.offered_tools import ToolSetCache
from training.gateway.recorder import Recorder


class ChatCompletions:
    """The endpoint, as an ASGI application: nothing here waits for a database."""

    def __init__(
        self, access: Access, router: InlineRouter, forwarding: Forwarding, recorder: Recorder, body_limit: int
    ) -> None:
        self._access = access
        self._router = router
        self._forwarding = forwarding
        self._recorder = recorder
        self._body_limit = body_limit
        self._tool_sets = ToolSetCache()

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
            await self._forwarding.answer(exchange, scope, receive, send)

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
        self._recorder.record(exchange, 200)
        headers = [(b"x-request-id", str(exchange.id).encode()), *exchange.headers]
        if exchange.chat.streams:
            headers.append((b"cache-control", b"no-cache"))
            await send_body(send, 200, headers, completion_stream(exchange, call), EVENT_STREAM)
        else:
            await send_body(send, 200, headers, completion(exchange, call))
