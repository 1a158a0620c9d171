"""The gateway put together: its parts, its addresses, its start and its end."""

from __future__ import annotations

import asyncio
import http
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from training.gateway.access import Access
from training.gateway.champions import Champions, LoadStudent
from training.gateway.chat import ChatCompletions
from training.gateway.envelope import ApiError
from training.gateway.forwarding import Forwarding
from training.gateway.health import Health
from training.gateway.inline import InlineRouter
from training.gateway.models import Models
from training.gateway.recorder import Recorder
from training.gateway.snapshots import SnapshotKeeper
from training.gateway.teacher import TeacherClient
from training.selectors.snapshot import Snapshot
from training.services.spool import Spool

ROTATE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """Folders, limits in bytes, and how often the database is read: a change is seen after two seconds at most."""

    state_dir: Path
    spool_dir: Path
    spool_limit: int
    body_limit: int
    refresh_seconds: float = 1.0


def build_application(
    config: GatewayConfig, read_snapshot: Callable[[], Snapshot], load_student: LoadStudent
) -> Starlette:
    """The ASGI application of one process.

    Args:
        read_snapshot: reads the database; called again and again in a thread of its own.
        load_student: loads a verified artifact folder; called in a thread of its own.
    """
    champions = Champions(load_student, config.state_dir / "students")
    keeper = SnapshotKeeper(
        read_snapshot,
        config.state_dir / "snapshot.json",
        champions.follow,
        every_seconds=config.refresh_seconds,
    )
    access = Access(lambda: keeper.current)
    spool = Spool(config.spool_dir, limit_bytes=config.spool_limit)
    teacher, router, recorder = TeacherClient(), InlineRouter(champions), Recorder(spool)
    chat = ChatCompletions(access, router, Forwarding(teacher, recorder), recorder, config.body_limit)
    health = Health(keeper, champions, spool, recorder.answered)
    models = Models(access)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        champions.start()
        keeper.start()
        rotation = asyncio.create_task(_rotate_every_second(spool))
        try:
            yield
        finally:
            rotation.cancel()
            with suppress(asyncio.CancelledError):
                await rotation
            spool.rotate()
            await asyncio.to_thread(_stop, keeper, champions)
            router.close()
            await teacher.close()

    routes = [
        Route("/v1/chat/completions", chat, methods=["POST"]),
        Route("/v1/models", models.all, methods=["GET"]),
        Route("/v1/models/{name:path}", models.one, methods=["GET"]),
        Route("/healthz", health.alive, methods=["GET"]),
        Route("/readyz", health.ready, methods=["GET"]),
    ]
    application = Starlette(routes=routes, lifespan=lifespan, exception_handlers=EXCEPTION_HANDLERS)
    application.router.redirect_slashes = False
    return application


async def _api_error(_: Request, error: Exception) -> Response:
    """Any failure in OpenAI's envelope; what is unforeseen is logged by the server and told without detail."""
    if isinstance(error, HTTPException):
        error = ApiError(error.status_code, _sentence_about(error.status_code), code="unknown_url")
    if not isinstance(error, ApiError):
        error = ApiError(500, "The gateway failed; its log says why.", code="internal", kind="server_error")
    return Response(error.body, error.status, media_type="application/json")


def _sentence_about(status: int) -> str:
    phrase = http.HTTPStatus(status).phrase.lower()
    return f"There is nothing at this address with this method ({phrase}); see /v1/chat/completions and /v1/models."


EXCEPTION_HANDLERS = {ApiError: _api_error, HTTPException: _api_error, Exception: _api_error}


async def _rotate_every_second(spool: Spool) -> None:
    while True:
        await asyncio.sleep(ROTATE_SECONDS)
        spool.rotate()


def _stop(keeper: SnapshotKeeper, champions: Champions) -> None:
    keeper.stop()
    champions.stop()
