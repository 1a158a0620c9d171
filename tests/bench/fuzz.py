"""Generated requests against a running gateway: no 5xx of its own, none stuck, no growing memory.

    python -m tests.bench.fuzz [--requests 20000] [--plain 40000] [--seed 0]

The gateway is a process of its own with a teacher that always answers and a student that answers what it knows, so
that each 5xx is the gateway's own. First `--requests` requests made by hypothesis (see `generated`) are sent, several
at a time; each must be answered within some seconds, each refusal in OpenAI's envelope, and a usual request must still
be answered as it was after every 2,000. Then `--plain` usual requests, all different, are sent at full speed, in
place of those of an hour at 10 a second. The gateway's resident memory is printed along the way, and how much it grew
in the second half. Each failure is printed with the request that brought it about; the exit status is 1 then.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.bench.gateways import serve_alone
from tests.bench.generated import requests
from tests.bench.stand import KEY, key_hash, lone_gateway, split_options
from tests.bench.teacher import Teacher
from tests.bench.wire import Answer, Connection, Pool, post
from tests.training.gateway.conftest import MANIFEST, TOOLS, FakeStudent, write_artifact
from training.selectors.snapshot import ApplicationEntry, KeyEntry, PolicyEntry, Snapshot, StudentEntry, TeacherEntry
from training.students.artifacts import hash_file

AT_ONCE = 8
ROUND = 2000
STUCK_SECONDS = 10.0
SHOWN = 10


def serve(teacher_port: int, folder: Path) -> None:
    """A gateway with a student and a teacher of the tests."""
    artifact = write_artifact(folder / "artifact")
    assert (artifact / "manifest.json").read_bytes() == MANIFEST
    student = StudentEntry(
        "fake-1", str(artifact), hash_file(artifact / "manifest.json"), FakeStudent.tool_set_sha256, 0.9
    )
    teacher = TeacherEntry(f"http://127.0.0.1:{teacher_port}/v1", "large", "", STUCK_SECONDS / 2)
    application = ApplicationEntry(1, "fuzz", PolicyEntry(), teacher, student)
    serve_alone(Snapshot({key_hash(KEY): KeyEntry(1, 1)}, {1: application}), lambda _: FakeStudent(), folder)


def generated(count: int, first_seed: int) -> Iterator[list[bytes]]:
    """Rounds of requests."""
    made = 0
    while made < count:
        batch = make_requests(min(ROUND, count - made), first_seed + made)
        made += len(batch)
        yield batch


def make_requests(count: int, with_seed: int) -> list[bytes]:
    """Up to so many different ones."""
    batch: list[bytes] = []

    @seed(with_seed)
    @settings(
        max_examples=count,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(requests)
    def collect(request: bytes) -> None:
        batch.append(request)

    collect()
    return batch


class Fuzz:
    """Sends requests, judges the answers and watches the gateway's memory."""

    def __init__(self, port: int, process: psutil.Process) -> None:
        self._port = port
        self._process = process
        self._pool = Pool(port)
        self.statuses: Counter[int] = Counter()
        self.failures: list[tuple[str, bytes]] = []

    @property
    def megabytes(self) -> float:
        return self._process.memory_info().rss / 1e6

    async def send(self, batch: list[bytes]) -> None:
        waiting = iter(batch)

        async def client() -> None:
            for request in waiting:
                if problem := await self._problem_with(request):
                    self.failures.append((problem, request))

        await asyncio.gather(*(client() for _ in range(AT_ONCE)))

    async def send_plain(self, count: int) -> None:
        """Usual requests, two of three answered inline."""
        waiting = iter(range(count))

        async def client() -> None:
            for number in waiting:
                await self.ask_usual(number)

        await asyncio.gather(*(client() for _ in range(AT_ONCE)))

    async def ask_usual(self, number: int) -> None:
        beginning = ("play", "play", "maybe")[number % 3]
        said = {"role": "user", "content": f"{beginning} {random.randbytes(8).hex()}"}
        body = json.dumps({"model": "odia", "messages": [said], "tools": TOOLS, "user": f"user {number}"}).encode()
        answer = await asyncio.wait_for(self._pool.ask(post(body, key=KEY)), STUCK_SECONDS)
        route = answer.header("x-odia-route")
        assert (answer.status, route) == (200, "student" if beginning == "play" else "fallback"), answer

    async def _problem_with(self, request: bytes) -> str:
        try:
            answer = await asyncio.wait_for(self._ask_alone(request), STUCK_SECONDS)
        except TimeoutError:
            return "stuck"
        except ConnectionError as error:
            return f"no answer: {error!r}"
        self.statuses[answer.status] += 1
        if answer.status >= 500:
            return f"status {answer.status}: {answer.body[:200]!r}"
        if answer.status >= 400 and not has_envelope(answer):
            return f"status {answer.status} without OpenAI's envelope: {answer.body[:200]!r}"
        return ""

    async def _ask_alone(self, request: bytes) -> Answer:
        """On a connection of its own: what follows an odd request is not the next request's fault."""
        _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", self._port)
        try:
            return await connection.ask(request)
        finally:
            connection.close()


def has_envelope(answer: Answer) -> bool:
    try:
        error = json.loads(answer.body)["error"]
        return isinstance(error["message"], str) and {"type", "code", "param"} <= error.keys()
    except (ValueError, KeyError, TypeError):
        return False


async def wait_for_student(fuzz: Fuzz) -> None:
    for attempt in range(200):
        try:
            await fuzz.ask_usual(0)
            return
        except AssertionError:
            if attempt == 199:
                raise
            await asyncio.sleep(0.05)


async def fuzz_gateway(options: argparse.Namespace) -> bool:
    """Whether nothing was found."""
    teacher = Teacher()
    await teacher.start()
    with lone_gateway("tests.bench.fuzz", str(teacher.port)) as (port, pid):
        fuzz = Fuzz(port, psutil.Process(pid))
        await wait_for_student(fuzz)
        print(f"memory at the start: {fuzz.megabytes:.1f} MB", flush=True)
        await send_generated(fuzz, options.requests, options.seed)
        await send_usual(fuzz, options.plain)
    for problem, request in fuzz.failures[:SHOWN]:
        print(f"{problem}\n    {request[:1500]!r}")
    return not fuzz.failures


async def send_generated(fuzz: Fuzz, count: int, first_seed: int) -> None:
    sent, memory = 0, [fuzz.megabytes]
    for batch in generated(count, first_seed):
        await fuzz.send(batch)
        await fuzz.ask_usual(0)
        sent += len(batch)
        memory.append(fuzz.megabytes)
        print(f"{sent} generated requests: {memory[-1]:.1f} MB, {len(fuzz.failures)} failures", flush=True)
    half = memory[len(memory) // 2]
    statuses = ", ".join(f"{status}: {number}" for status, number in sorted(fuzz.statuses.items()))
    print(
        f"{sent} generated requests; statuses {statuses}; memory grew by {memory[-1] - half:.1f} MB in the second half"
    )


async def send_usual(fuzz: Fuzz, count: int) -> None:
    memory = []
    for part in range(4):
        await fuzz.send_plain(count // 4)
        memory.append(fuzz.megabytes)
        print(f"{(part + 1) * count // 4} usual requests: {memory[-1]:.1f} MB", flush=True)
    growth = memory[3] - memory[1]
    each = growth / (count / 2) * 10_000
    print(f"memory grew by {growth:.1f} MB in the second half: {each:.2f} MB each 10,000 requests")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000, help="generated ones (default: %(default)s)")
    parser.add_argument("--plain", type=int, default=40_000, help="usual ones (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    sys.exit(0 if asyncio.run(fuzz_gateway(parser.parse_args())) else 1)


if __name__ == "__main__":
    measured, rest = split_options(sys.argv[1:])
    if measured:
        serve(int(rest[0]), Path(rest[1]))
    else:
        main()
