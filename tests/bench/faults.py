"""What faults cost: requests failed through ODIA's fault, records lost, records twice. All three must be 0.

    python -m tests.bench.faults [--requests 10000] [--rate 80] [--student ARTIFACT] [--processes 2] [--only NAME ...]

A whole ODIA runs (`manage.py up --no-sample`) with a teacher that can misbehave. Under a steady load, every fifth
request streaming, one thing after another goes wrong in the middle of its share of the requests: PostgreSQL is stopped
and started, the worker, the shipper and a gateway are killed with -9, the disk of the spool fills up (a small file
system of its own; mounting needs root), the teacher is slow, resets, breaks off, answers garbage, 429 or 500, and, with
a student from `manage.py benchmark --keep`, a promotion and a rollback. The client never tries again.

After each fault everything is shipped, and each answered request must stand in PostgreSQL once, as what it was
answered with. Requests that fail are ODIA's fault unless

- the teacher misbehaved while they were under way, and their status says so (an internal error never does), or
- they were in flight on a gateway when it was killed (or came before it was back, where it is the only one); those are
  counted beside the rest as the kill's.

The exit status is 1 where a figure is not 0.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.bench.misfortunes import Machine, Misfortune, TeacherMisbehaves, misfortunes
from tests.bench.stand import folder_for_odia, tools_and_queries, whole_odia
from tests.bench.teacher import Teacher
from tests.bench.traffic import Outcome, Traffic
from tests.bench.wire import run_fast

BEFORE, AFTER = 0.25, 0.75
"""When in its share of the requests a fault begins and ends."""
KILL_SECONDS = 0.1
"""Requests sent so shortly after a kill may have gone to the dead."""
TEACHERS_STATUSES = {200, 429, 500, 502, 503, 504}
RECOVERY_SECONDS = 90.0
WARM_UP_REQUESTS = 200


@dataclass
class Figures:
    """What one fault cost."""

    name: str
    requests: int = 0
    well: int = 0
    faults: list[Outcome] = field(default_factory=list)
    the_teachers: int = 0
    the_kills: int = 0
    lost: int = 0
    twice: int = 0
    otherwise: int = 0
    """Records that say another status than the client saw."""
    p99_ms: float = 0.0
    routes: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        routes = ", ".join(f"{route or 'none'} {count}" for route, count in sorted(self.routes.items()))
        return (
            f"{self.name:34} {self.requests:6} requests, {self.well:6} answered well (p99 {self.p99_ms:.0f} ms); "
            f"failed through ODIA's fault {len(self.faults)}, the teacher's {self.the_teachers}, "
            f"the kill's {self.the_kills}; records lost {self.lost}, twice {self.twice}, "
            f"of another status {self.otherwise}; {routes}"
        )


def judge(name: str, outcomes: list[Outcome], misfortune: Misfortune) -> Figures:
    figures = Figures(name, len(outcomes), routes=Counter(outcome.route for outcome in outcomes))
    for outcome in outcomes:
        if outcome.well:
            figures.well += 1
        elif isinstance(misfortune, TeacherMisbehaves) and is_the_teachers(outcome):
            figures.the_teachers += 1
        elif not outcome.status and misfortune.killed_between(outcome.sent - KILL_SECONDS, outcome.ended):
            figures.the_kills += 1
        else:
            figures.faults.append(outcome)
    times = [(outcome.ended - outcome.sent) * 1000 for outcome in outcomes if outcome.well]
    figures.p99_ms = float(np.percentile(times, 99)) if times else 0.0
    return figures


def is_the_teachers(outcome: Outcome) -> bool:
    return outcome.status in TEACHERS_STATUSES and outcome.code != "internal"


async def suffer(machine: Machine, traffic: Traffic, misfortune: Misfortune, count: int, rate: float) -> Figures:
    """One fault in the middle of so many requests, and what came of it."""
    seconds = count / rate

    async def strike() -> None:
        await asyncio.sleep(BEFORE * seconds)
        await misfortune.begin()
        await asyncio.sleep((AFTER - BEFORE) * seconds)
        await misfortune.end()

    striking = asyncio.create_task(strike())
    outcomes = await traffic.send(misfortune.name, count, rate)
    await striking
    await recover(machine, traffic)
    figures = judge(misfortune.name, outcomes, misfortune)
    machine.compare(outcomes, figures)
    return figures


async def recover(machine: Machine, traffic: Traffic) -> None:
    """Until requests are answered well and all records are in PostgreSQL."""
    give_up_at = time.monotonic() + RECOVERY_SECONDS
    while time.monotonic() < give_up_at and not await traffic.is_well():
        await asyncio.sleep(0.5)
    while time.monotonic() < give_up_at and machine.waiting():
        await asyncio.sleep(0.5)
    if time.monotonic() >= give_up_at:
        print(f"ODIA has not recovered after {RECOVERY_SECONDS:.0f} s; {machine.waiting()} wait", flush=True)


async def run(options: argparse.Namespace) -> bool:
    """Whether all figures are 0."""
    teacher = Teacher()
    await teacher.start()
    with ExitStack() as stack:
        folder = stack.enter_context(folder_for_odia())
        machine = Machine(folder / "var", teacher, options.student)
        stack.enter_context(machine.small_disks())
        arguments = ["--gateway-processes", str(options.processes)]
        odia = await asyncio.to_thread(stack.enter_context, whole_odia(folder, teacher.port, *arguments))
        machine.know(odia)
        stack.callback(machine.end)
        tools, queries = machine.tools_and_queries() if options.student else tools_and_queries()
        traffic = Traffic(odia.port, odia.key, tools, queries)
        await traffic.send("warm up", WARM_UP_REQUESTS, options.rate)
        await recover(machine, traffic)
        await asyncio.to_thread(machine.promote_first)
        chosen = [one for one in misfortunes(machine) if not options.only or one.name in options.only]
        total = Figures("all")
        for misfortune in chosen:
            if why := misfortune.impossible():
                print(f"{misfortune.name:34} left out: {why}", flush=True)
                continue
            add(total, await suffer(machine, traffic, misfortune, options.requests // len(chosen), options.rate))
        print(total)
        print(f"records counted more than once in the hourly sums: {machine.counted_twice()}", flush=True)
        return not (total.faults or total.lost or total.twice or machine.counted_twice())


def add(total: Figures, figures: Figures) -> None:
    print(figures, flush=True)
    for outcome in figures.faults[:5]:
        print(f"    {outcome}", flush=True)
    for name in ("requests", "well", "the_teachers", "the_kills", "lost", "twice", "otherwise", "faults", "routes"):
        setattr(total, name, getattr(total, name) + getattr(figures, name))
    total.p99_ms = max(total.p99_ms, figures.p99_ms)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000, help="in all (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=80, help="requests a second (default: %(default)s)")
    parser.add_argument("--student", type=Path, help="an artifact folder")
    parser.add_argument("--processes", type=int, default=2, help="gateways on the port (default: %(default)s)")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these faults alone")
    sys.exit(0 if run_fast(run(parser.parse_args())) else 1)


if __name__ == "__main__":
    main()
