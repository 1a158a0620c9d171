"""A gateway without a database, to be measured in a process of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path

import django

from tests.bench.stand import environment_of_settings

environment_of_settings()
django.setup()

import uvicorn  # noqa: E402

from tests.snapshots import SnapshotSource  # noqa: E402
from training.gateway.application import GatewayConfig, build_application  # noqa: E402
from training.gateway.serve import listen, server_config  # noqa: E402
from training.gateway.students import LoadStudent  # noqa: E402
from training.selectors.snapshot import Snapshot  # noqa: E402

CHECK_SECONDS = 0.05


def serve_alone(snapshot: Snapshot, load_student: LoadStudent, folder: Path) -> None:
    """Serve with this snapshot; the port stands in the file `port` of the folder when it answers."""
    config = GatewayConfig(folder / "state", folder / "spool", spool_limit=2**33, body_limit=2**20)
    application = build_application(config, SnapshotSource(lambda: snapshot), load_student)
    server, listener = uvicorn.Server(server_config(application)), listen("127.0.0.1", 0)

    async def run() -> None:
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(CHECK_SECONDS)
        temporary = folder / "port.new"
        temporary.write_text(str(listener.getsockname()[1]))
        temporary.replace(folder / "port")
        await serving

    with asyncio.Runner() as runner:
        runner.run(run())
