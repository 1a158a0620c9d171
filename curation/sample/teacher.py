"""The simulated teacher over HTTP, compatible with OpenAI's API and as slow as a large model.

python -m curation.sample.teacher --port 8002
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
import uuid
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from curation.ml.calls import Call
from curation.sample.answers import SampleTeacher
from curation.sample.latency import draw_latency
from curation.sample.wire import MODEL, chunks, completion, count_tokens, error


class BadRequest(ValueError):
    """The request is not one for chat completions; the message says why."""


class UnknownModel(ValueError):
    """The request names another model."""


def build_app(*, scale: float = 1.0, seed: int = 0) -> Starlette:
    """The ASGI application. Waits are multiplied by `scale`; `seed` is for waits and unsteady answers."""
    teacher = SampleTeacher(seed)
    waits = random.Random(seed)

    async def chat_completions(request: Request) -> Response:
        asked = _read_body(await request.body())
        await asyncio.sleep(scale * draw_latency(waits))
        body = completion(uuid.uuid4().hex, int(time.time()), _answer(teacher, asked), count_tokens(asked))
        if asked.get("stream"):
            return StreamingResponse(chunks(body), media_type="text/event-stream")
        return JSONResponse(body)

    async def models(_: Request) -> Response:
        model = {"id": MODEL, "object": "model", "created": 0, "owned_by": "simulated"}
        return JSONResponse({"object": "list", "data": [model]})

    return Starlette(
        routes=[
            Route("/v1/chat/completions", chat_completions, methods=["POST"]),
            Route("/v1/models", models),
        ],
        exception_handlers={BadRequest: _bad_request, UnknownModel: _unknown_model},
    )


async def _bad_request(_: Request, failure: Exception) -> Response:
    return JSONResponse(error(str(failure)), 400)


async def _unknown_model(_: Request, failure: Exception) -> Response:
    return JSONResponse(error(str(failure), code="model_not_found"), 404)


def _read_body(body: bytes) -> dict[str, Any]:
    """The request, checked as far as the teacher reads it."""
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as failure:
        raise BadRequest("The body is not JSON.") from failure
    if not isinstance(asked, dict):
        raise BadRequest("The body must be a JSON object.")
    if asked.get("model") != MODEL:
        raise UnknownModel(f"There is no such model here; the only one is {MODEL!r}.")
    _check_messages(asked.get("messages"))
    _check_tools(asked.get("tools"))
    return asked


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not messages:
        raise BadRequest("`messages` must be a list with at least one message.")
    for position, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise BadRequest(f"messages[{position}] must be an object with a `role`.")
        if not isinstance(message.get("content"), str | list | None):
            raise BadRequest(f"messages[{position}].content must be a string or a list of parts.")


def _check_tools(tools: Any) -> None:
    if tools is None:
        return
    if not isinstance(tools, list) or not all(_function_name(tool) for tool in tools):
        raise BadRequest("`tools` must be a list of functions with names.")


def _function_name(tool: Any) -> str:
    function = tool.get("function") if isinstance(tool, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else ""


def _answer(teacher: SampleTeacher, asked: dict[str, Any]) -> Call | None:
    """The teacher's call, if it is for one of the functions that are offered."""
    *context, last = [{**message, "content": _text(message.get("content"))} for message in asked["messages"]]
    if last["role"] != "user" or asked.get("tool_choice") == "none":
        return None
    call = teacher.answer(last["content"], context)
    offered = {_function_name(tool) for tool in asked.get("tools") or ()}
    return call if call and call.name in offered else None


def _text(content: str | list[Any] | None) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content or ""


def main() -> None:
    parser = argparse.ArgumentParser(description="A simulated teacher for the sample application.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8002)
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the wait before each answer")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    uvicorn.run(
        build_app(scale=options.scale, seed=options.seed),
        host=options.host,
        port=options.port,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
