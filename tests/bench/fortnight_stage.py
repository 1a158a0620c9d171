"""What `fortnight` begins with: a teacher over HTTP, and an application with a history that was learned from once."""

from __future__ import annotations

import argparse
import json
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from curation.sample.generator import SampleQuery
from curation.sample.wire import MODEL, completion
from tests.bench.fortnight_world import Teacher, queries_on, tools_on

if TYPE_CHECKING:
    from curation.models import Application

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
HISTORY_SEED, HISTORY_DAYS = 1000, 6
AUDIT_SHARE = 0.1
"""Twice the default: some hundred requests a day are few."""
AUTOPILOT = {"enabled": True, "distil_after": 0.25, "first_canary": 0.25, "trial_answers": 25}
"""Thresholds that fit some hundred requests a day."""
STUDENT = {"layers": 2, "epochs": 7, "folds": 2}


class Options(argparse.Namespace):
    """What may be said on the command line."""

    queries: int
    history: int
    days: int
    chunks: int
    changes: tuple[int, int, int]
    cluster_after: int


def teacher_server(teacher: Teacher) -> uvicorn.Server:
    """The teacher over HTTP, in a thread; it answers at once."""

    async def answer(request: Request) -> JSONResponse:
        *context, last = (await request.json())["messages"]
        call = teacher.answer(last["content"], context)
        return JSONResponse(completion("fortnight", int(time.time()), call, 100))

    app = Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    threading.Thread(target=server.run, daemon=True).start()
    while not server.started:
        time.sleep(0.05)
    return server


def application_with_history(folder: Path, teacher: Teacher, port: int, options: Options) -> tuple[Application, str]:
    """Imported as any log is, and gone through the loop once."""
    from curation.services.applications import application_ensure, teacher_set
    from curation.services.imports import import_traffic
    from training.services.autopilot import autopilot_change
    from training.services.keys import key_create
    from training.services.loop import run_loop
    from training.services.policies import policy_of

    path, count = folder / "history.jsonl", options.history // HISTORY_DAYS
    lines = [
        _line(query, teacher)
        for day in range(-HISTORY_DAYS, 0)
        for query in queries_on(day, count, HISTORY_SEED, START + timedelta(days=day), teacher.changes)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    application = application_ensure(slug="fortnight", name="Fortnight")
    import_traffic(application=application, path=path, log_format="openai", on_error=print, on_batch=lambda _: None)
    teacher_set(application=application, base_url=f"http://127.0.0.1:{port}/v1", model=MODEL)
    policy = policy_of(application)
    policy.audit_share = AUDIT_SHARE
    policy.save()
    result = run_loop(
        application=application,
        approve="policy",
        config=STUDENT,
        promote_student=True,
        watch=lambda phase, fraction, message="": None,
    )
    figures = {name: result.evaluation.get(name) for name in ("coverage", "disagreement_inline", "test_examples")}
    print(f"first loop: {result.seconds:.0f} s, {result.approved} of {result.clusters} clusters, {figures}")
    print(f"    {result.needs or 'promoted'}", flush=True)
    autopilot_change(application=application, changes=AUTOPILOT | {"cluster_after": options.cluster_after}, user=None)
    return application, key_create(application=application)[1]


def _line(query: SampleQuery, teacher: Teacher) -> dict[str, Any]:
    messages = [*query.context, {"role": "user", "content": query.text}]
    return {
        "timestamp": query.at.isoformat(),
        "request": {"model": MODEL, "messages": messages, "tools": tools_on(0, teacher.changes), "user": query.user_id},
        "response": completion(query.id, int(query.at.timestamp()), teacher.answer(query.text, query.context), 100),
        "latency_ms": 1400.0,
        "client_id": query.user_id,
    }
