"""How fast a gateway answers with a student, alone and when requests arrive together.

    python -m tests.bench.gateway_load STUDENT QUERIES.jsonl

STUDENT is an artifact folder (`manage.py benchmark --keep`); of the queries, those are asked that the student answers.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

import django
import numpy as np
import psutil
import uvicorn

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "odia_site.settings")
django.setup()

from training.gateway.application import GatewayConfig, build_application  # noqa: E402
from training.selectors.snapshot import (  # noqa: E402
    ApplicationEntry,
    KeyEntry,
    PolicyEntry,
    Snapshot,
    StudentEntry,
)
from training.students.artifacts import MANIFEST, hash_file  # noqa: E402
from training.students.serving import load_student  # noqa: E402

KEY = "key-of-the-measurement"
CONCURRENCIES = (1, 8, 32)
REQUESTS = 4000
HEAD = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n"


class Measured(NamedTuple):
    """`milliseconds` of each request; requests a second of wall clock, and of the gateway's processor time."""

    milliseconds: list[float]
    per_second: float
    per_core_second: float


def serve(artifact: Path, folder: Path) -> None:
    """A gateway with this student and no database; its log says the port."""
    meta = json.loads((artifact / "meta.json").read_text())
    manifest = hash_file(artifact / MANIFEST)
    student = StudentEntry("measured", str(artifact), manifest, meta["tool_set_sha256"], 0.0)
    application = ApplicationEntry(1, "measured", PolicyEntry(), None, student)
    snapshot = Snapshot({hashlib.sha256(KEY.encode()).hexdigest(): KeyEntry(1, 1)}, {1: application})
    config = GatewayConfig(folder / "state", folder / "spool", spool_limit=2**30, body_limit=2**20)
    uvicorn.run(build_application(config, lambda: snapshot, load_student), port=0, access_log=False)


@contextmanager
def gateway(artifact: Path) -> Iterator[tuple[int, psutil.Process]]:
    """A gateway process and its port, while the block lasts."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w+") as log:
        command = [sys.executable, "-m", "tests.bench.gateway_load", "--serve", str(artifact), folder]
        with subprocess.Popen(command, stderr=log) as process:
            try:
                while "answers now" not in (written := Path(log.name).read_text()) or "running on" not in written:
                    time.sleep(0.1)
                yield int(written.partition("127.0.0.1:")[2].split()[0]), psutil.Process(process.pid)
            finally:
                process.send_signal(signal.SIGINT)


async def load(port: int, process: psutil.Process, bodies: Sequence[bytes], concurrency: int) -> Measured:
    """Clients that each wait for an answer before they ask again."""
    waiting = iter(list(islice(cycle(bodies), REQUESTS)))
    milliseconds: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for body in waiting:
            started = time.perf_counter()
            writer.write(HEAD.format(KEY, len(body)).encode() + body)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0]))
            milliseconds.append((time.perf_counter() - started) * 1000)
            assert b"x-odia-route: student" in head, head
        writer.close()

    before, started = sum(process.cpu_times()[:2]), time.perf_counter()
    await asyncio.gather(*(client() for _ in range(concurrency)))
    seconds, busy = time.perf_counter() - started, sum(process.cpu_times()[:2]) - before
    return Measured(milliseconds, REQUESTS / seconds, REQUESTS / busy)


def bodies_for(artifact: Path, queries: Path) -> list[bytes]:
    """The requests that the student answers."""
    student = load_student(artifact)
    texts = [json.loads(line)["query"] for line in queries.read_text().splitlines()]
    answered = [text for text in texts if student.predict([text])[0].call and not student.memo.lookup(text)]
    fields = {"model": "odia", "tools": student.meta["tools"]}
    return [json.dumps(fields | {"messages": [{"role": "user", "content": text}]}).encode() for text in answered]


def main(artifact: Path, queries: Path) -> None:
    bodies = bodies_for(artifact, queries)
    with gateway(artifact) as (port, process):
        asyncio.run(load(port, process, bodies, 1))
        for concurrency in CONCURRENCIES:
            measured = asyncio.run(load(port, process, bodies, concurrency))
            p50, p90, p99 = np.percentile(measured.milliseconds, [50, 90, 99])
            print(
                f"{concurrency:2} at a time: {p50:.2f} ms at the median, {p90:.2f} at the 90th and {p99:.2f} at the "
                f"99th percentile; {measured.per_second:.0f} requests a second, {measured.per_core_second:.0f} "
                "for each second of processor time"
            )


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
