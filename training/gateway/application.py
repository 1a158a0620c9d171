"""The gateway put together: its parts, its addresses, its start and its end."""

from __future__ import annotations

import asyncio
import http
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from training.gateway.access import Access
from training.gateway.chat import ChatCompletions
from training.gateway.database import Database
from training.gateway.envelope import ApiError, send_error
from training.gateway.form import BodyLimits
from training.gateway.forwarding import Forwarding
from training.gateway.health import Health
from training.gateway.inline import InlineRouter
from training.gateway.limits import RateLimits
from training.gateway.metrics import Metrics
from training.gateway.models import Models
from training.gateway.recorder import Recorder
from training.gateway.shadows import Shadows
from training.gateway.snapshots import SnapshotKeeper
from training.gateway.students import LoadStudent, Students
from training.gateway.teacher import CONCURRENCY, TeacherClient
from training.selectors.snapshot import Snapshot
from training.services.spool import Spool

CHAT_PATH = "/v1/chat/completions"
INTERNAL = ApiError(500, "The gateway failed; its log says why.", code="internal", kind="server_error")
STOPPING = ApiError(
    503, "The gateway is being stopped; try again.", code="stopping", kind="server_error", retry_after=1
)
UPKEEP_SECONDS = 1.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """Folders, limits in bytes, in seconds and in requests, and how often the database is read at least."""

    state_dir: Path
    spool_dir: Path
    spool_limit: int
    body_limit: int
    body_seconds: float = 30.0
    teacher_concurrency: int = CONCURRENCY
    refresh_seconds: float = 1.0


def build_application(config: GatewayConfig, database: Database, load_student: LoadStudent) -> ASGIApp:
    """The ASGI application of one process. `database` and `load_student` are used in threads of their own."""
    metrics, limits = Metrics(), RateLimits()
    students = Students(load_student, config.state_dir / "students")

    def follow(snapshot: Snapshot) -> None:
        students.follow(snapshot)
        metrics.follow(snapshot)

    keeper = SnapshotKeeper(
        database, limits, config.state_dir / "snapshot.json", follow, every_seconds=config.refresh_seconds
    )
    spool = Spool(config.spool_dir, limit_bytes=config.spool_limit)
    teacher = TeacherClient(config.teacher_concurrency)
    router, shadows = InlineRouter(students), Shadows(students, spool)
    access, recorder = Access(lambda: keeper.current), Recorder(spool, metrics)
    body_limits = BodyLimits(config.body_limit, config.body_seconds)
    chat = ChatCompletions(access, limits, router, Forwarding(teacher, recorder), recorder, shadows, body_limits)
    health, models = Health(keeper, students, spool, teacher), Models(access)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        students.start()
        keeper.start()
        upkeep = asyncio.create_task(_every_second(spool.rotate, lambda: measure(metrics, spool, keeper, teacher)))
        try:
            yield
        finally:
            upkeep.cancel()
            with suppress(asyncio.CancelledError):
                await upkeep
            await shadows.close()
            spool.rotate()
            await asyncio.to_thread(_stop, keeper, students)
            router.close()
            teacher.close()

    routes = [
        Route(CHAT_PATH, chat, methods=["POST"]),
        Route("/v1/models", models.all, methods=["GET"]),
        Route("/v1/models/{name:path}", models.one, methods=["GET"]),
        Route("/healthz", health.alive, methods=["GET"]),
        Route("/readyz", health.ready, methods=["GET"]),
        Route("/metrics", metrics.show, methods=["GET"]),
    ]
    application = Starlette(routes=routes, lifespan=lifespan, exception_handlers=EXCEPTION_HANDLERS)
    application.router.redirect_slashes = False

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        """Chat completions go past Starlette's routing and middleware, which would take a tenth of their time."""
        if scope["type"] == "http" and scope["path"] == CHAT_PATH and scope["method"] == "POST":
            await _guarded(chat, scope, receive, send)
        else:
            await application(scope, receive, send)

    return serve


async def _guarded(endpoint: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    try:
        await endpoint(scope, receive, send)
    except asyncio.CancelledError:
        with suppress(RuntimeError):  # an answer has begun; it ends with the connection
            await send_error(send, STOPPING)
        raise
    except Exception:
        logger.exception("A request failed.")
        await send_error(send, INTERNAL)  # if an answer has begun, the server ends the connection


async def _api_error(_: Request, error: Exception) -> Response:
    """Any failure in OpenAI's envelope; what is unforeseen is logged by the server and told without detail."""
    if isinstance(error, HTTPException):
        error = ApiError(error.status_code, _sentence_about(error.status_code), code="unknown_url")
    if not isinstance(error, ApiError):
        error = INTERNAL
    headers = {name.decode(): value.decode() for name, value in error.headers}
    return Response(error.body, error.status, headers, media_type="application/json")


def _sentence_about(status: int) -> str:
    phrase = http.HTTPStatus(status).phrase.lower()
    return f"There is nothing at this address with this method ({phrase}); see /v1/chat/completions and /v1/models."


EXCEPTION_HANDLERS = {ApiError: _api_error, HTTPException: _api_error, Exception: _api_error}


async def _every_second(*work: Callable[[], object]) -> None:
    while True:
        await asyncio.sleep(UPKEEP_SECONDS)
        for step in work:
            try:
                step()
            except Exception:  # the next second's work must not depend on this one's
                logger.exception("Upkeep failed.")


def measure(metrics: Metrics, spool: Spool, keeper: SnapshotKeeper, teacher: TeacherClient) -> None:
    """Show the state of the parts in the metrics."""
    metrics.state("spool_bytes", spool.stored_bytes)
    metrics.state("spool_backlog_bytes", spool.backlog.bytes)
    metrics.state("spool_dropped", spool.dropped)
    metrics.state("snapshot_age_seconds", keeper.age_seconds or 0.0)
    metrics.state("teacher_requests_in_flight", sum(teacher.in_flight().values()))
    metrics.breakers(teacher.breakers())


def _stop(keeper: SnapshotKeeper, students: Students) -> None:
    keeper.stop()
    students.stop()
