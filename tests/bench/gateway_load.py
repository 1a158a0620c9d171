"""How fast a gateway answers with a student: at a steady rate, alone, and when requests arrive together.

    python -m tests.bench.gateway_load STUDENT QUERIES.jsonl [--rate 50] [--seconds 30] [--cpu 0]

STUDENT is an artifact folder (`manage.py benchmark --keep`); of the queries, those are asked that the student answers
(none of them out of its memo). First comes an open loop: requests arrive at random (a Poisson process) at the rate,
whether earlier ones have been answered or not. Then come clients that each wait for an answer before they ask again:
their requests a second are the gateway's throughput. The gateway is one process held on one core, the client stays on
the others.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Sequence
from itertools import accumulate, cycle, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil

from tests.bench.gateways import serve_alone
from tests.bench.stand import KEY, key_hash, lone_gateway, split_options
from tests.bench.wire import Answer, Pool, at_times, post, run_fast
from training.selectors.snapshot import ApplicationEntry, KeyEntry, PolicyEntry, Snapshot, StudentEntry
from training.students.artifacts import MANIFEST, hash_file
from training.students.serving import load_student

CONCURRENCIES = (1, 8, 32)
REQUESTS = 4000


class Measured(NamedTuple):
    """`milliseconds` of each request; requests a second of wall clock, and of the gateway's processor time."""

    milliseconds: list[float]
    per_second: float
    per_core_second: float

    def __str__(self) -> str:
        p50, p90, p99 = np.percentile(self.milliseconds, [50, 90, 99])
        return (
            f"{p50:.2f} ms at the median, {p90:.2f} at the 90th and {p99:.2f} at the 99th percentile; "
            f"{self.per_second:.0f} requests a second, {self.per_core_second:.0f} for each second of processor time"
        )


class Load:
    """Requests to one gateway, each of which must be answered by the student."""

    def __init__(self, port: int, process: psutil.Process, bodies: Sequence[bytes]) -> None:
        self._pool = Pool(port)
        self._process = process
        self._requests = [post(body, key=KEY) for body in bodies]
        self._milliseconds: list[float] = []

    async def warm_up(self) -> None:
        """Ask until the student is loaded, then a few times more."""
        while (await self._pool.ask(self._requests[0])).header("x-odia-route") != "student":
            await asyncio.sleep(0.1)
        await self.together(8, 500)

    async def steadily(self, rate: float, seconds: float) -> Measured:
        """An open loop."""
        rng = random.Random(0)
        times = list(accumulate(rng.expovariate(rate) for _ in range(round(rate * seconds))))
        self._milliseconds, before, started = [], self._busy(), time.perf_counter()
        await at_times(times, self._ask)
        return self._measured(before, started)

    async def together(self, clients: int, requests: int) -> Measured:
        """Closed loops."""
        waiting = iter(list(islice(cycle(range(len(self._requests))), requests)))
        self._milliseconds, before, started = [], self._busy(), time.perf_counter()

        async def client() -> None:
            for number in waiting:
                await self._ask(number)

        await asyncio.gather(*(client() for _ in range(clients)))
        return self._measured(before, started)

    async def _ask(self, number: int) -> None:
        answer: Answer = await self._pool.ask(self._requests[number % len(self._requests)])
        assert answer.header("x-odia-route") == "student", answer
        self._milliseconds.append(answer.seconds * 1000)

    def _busy(self) -> float:
        return sum(self._process.cpu_times()[:2])

    def _measured(self, busy_before: float, started: float) -> Measured:
        count = len(self._milliseconds)
        seconds, busy = time.perf_counter() - started, self._busy() - busy_before
        return Measured(self._milliseconds, count / seconds, count / busy)


def serve(artifact: Path, folder: Path) -> None:
    """A gateway with this student and no database."""
    meta = json.loads((artifact / "meta.json").read_text())
    manifest = hash_file(artifact / MANIFEST)
    student = StudentEntry("measured", str(artifact), manifest, meta["tool_set_sha256"], 0.0)
    application = ApplicationEntry(1, "measured", PolicyEntry(), None, student)
    serve_alone(Snapshot({key_hash(KEY): KeyEntry(1, 1)}, {1: application}), load_student, folder)


def bodies_for(artifact: Path, queries: Path) -> list[bytes]:
    """The requests that the student answers."""
    student = load_student(artifact)
    texts = [json.loads(line)["query"] for line in queries.read_text().splitlines()]
    answered = [text for text in texts if student.predict([text])[0].call and not student.memo.lookup(text)]
    fields = {"model": "odia", "tools": student.meta["tools"]}
    return [json.dumps(fields | {"messages": [{"role": "user", "content": text}]}).encode() for text in answered]


async def measure(load: Load, rate: float, seconds: float) -> None:
    await load.warm_up()
    print(f"{rate:g} requests a second: {await load.steadily(rate, seconds)} (aims: 5 and 15 ms)", flush=True)
    for clients in CONCURRENCIES:
        print(f"{clients:2} at a time: {await load.together(clients, REQUESTS)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("student", type=Path)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--rate", type=float, default=50, help="of the open loop (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=30, help="of the open loop (default: %(default)s)")
    parser.add_argument("--cpu", type=int, default=0, help="the core that the gateway is held on")
    options = parser.parse_args()
    bodies = bodies_for(options.student, options.queries)
    if len(cores := os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, cores - {options.cpu})
    with lone_gateway("tests.bench.gateway_load", str(options.student.absolute()), cpu=options.cpu) as (port, pid):
        run_fast(measure(Load(port, psutil.Process(pid), bodies), options.rate, options.seconds))


if __name__ == "__main__":
    measured, rest = split_options(sys.argv[1:])
    if measured:
        serve(Path(rest[0]), Path(rest[1]))
    else:
        main()
