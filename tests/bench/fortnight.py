"""Fourteen simulated days with the autopilot on. Run by hand:

    python -m tests.bench.fortnight [--queries 700] [--history 9000]

A history is imported and learned from once, approved by the policy; from then on the autopilot does everything. The
gateway (in this process, by its ASGI application), the shipping of its records, the audits, the jobs and the training
are the real ones on a database of their own; the teacher is the sample's over HTTP, without its waits. Only the clock
is simulated: a day's requests come in chunks; after each, records are shipped, due audits are asked until none is
left, now and then drift is looked for, and the autopilot ticks until it has nothing more to do.

For each day is printed: the share of all requests answered inline, how many inline answers (all of them, not the
audited ones) differ from what the teacher answers at that moment and whether that is more than epsilon and chance
explain (exact binomial test, one-sided, 5%), what the autopilot asked a person, what the teacher was asked for
audits, and what happened.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import time_machine
from scipy.stats import binom

from curation.ml.calls import Call, same_call
from curation.ml.tools import parse_tools
from curation.sample.generator import SampleQuery
from curation.sample.wire import MODEL
from tests.bench.fortnight_person import MOST_IN_A_DAY, Person
from tests.bench.fortnight_stage import START, Options, application_with_history, teacher_server
from tests.bench.fortnight_world import Changes, Teacher, queries_on, tools_on
from tests.bench.own_database import prepare

if TYPE_CHECKING:
    from curation.models import Application
    from training.models import AutopilotAction

SEED = 7
DAYS = 14
DAY = timedelta(hours=16)
LOOKS_EVERY = 5
"""Chunks of a day between two looks for drift."""
SETTLE_SECONDS = 20.0
UPKEEP_SECONDS = 0.1


@dataclass
class Day:
    """What is printed of a day."""

    number: int
    requests: int = 0
    inline: int = 0
    wrong: int = 0
    wrong_by_function: Counter[str] = field(default_factory=Counter)
    audits: int = 0
    questions: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def row(self, epsilon: float, changes: Changes) -> str:
        over = self.wrong and binom.sf(self.wrong - 1, self.inline, epsilon) < 0.05
        change = changes.of(self.number)
        coverage, share = self.inline / self.requests, self.wrong / max(self.inline, 1)
        return (
            f"| {self.number} | {self.requests} | {coverage:.1%} | {self.wrong} of {self.inline} ({share:.2%}) "
            f"| {epsilon:.0%} {'OVER' if over else 'ok'} | {len(self.questions)} | {self.audits} | {change} |"
        )


class Fortnight:
    """The days one after the other. `truth` is a teacher of its own, so that looking changes nothing."""

    def __init__(
        self,
        application: Application,
        key: str,
        teacher: Teacher,
        folder: Path,
        options: Options,
        clock: time_machine.Coordinates,
    ) -> None:
        self.application, self.key, self.teacher, self.options = application, key, teacher, options
        self.clock = clock
        self.person = Person()
        self.truth = Teacher(teacher.changes, seed=99)
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self.known: object = None

    def live(self) -> None:
        from training.services.policies import policy_of

        epsilon = policy_of(self.application).epsilon
        print("| day | requests | coverage | disagreement | allowed | decisions asked | audits | change |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
        with self.gateway() as client:
            self.client = client
            for number in range(1, self.options.days + 1):
                began = time.perf_counter()
                day = self.day(number)
                print(day.row(epsilon, self.teacher.changes))
                for event in day.events:
                    print(f"    {event}")
                print(f"    wrong: {dict(day.wrong_by_function)}; {time.perf_counter() - began:.0f} s", flush=True)

    @contextlib.contextmanager
    def gateway(self) -> Any:
        from django.conf import settings

        from training.gateway import application
        from training.gateway.application import GatewayConfig, build_application
        from training.gateway.database import Postgres
        from training.students.serving import load_student

        application.UPKEEP_SECONDS = UPKEEP_SECONDS  # it closes a segment of the spool as often
        config = GatewayConfig(
            state_dir=self.folder / "gateway",
            spool_dir=Path(settings.SPOOL_DIR),
            spool_limit=settings.SPOOL_LIMIT_BYTES,
            body_limit=settings.GATEWAY_BODY_LIMIT_BYTES,
            refresh_seconds=0.2,
        )
        self.app = build_application(config, Postgres(), load_student)
        self.messages: asyncio.Queue[Any] = asyncio.Queue()
        ended = self.loop.create_task(self._lifespan())
        transport = httpx.ASGITransport(self.app)
        headers = {"authorization": f"Bearer {self.key}"}
        client = httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers)
        self.loop.run_until_complete(self._say("lifespan.startup"))
        yield client
        self.loop.run_until_complete(self._say("lifespan.shutdown"))
        self.loop.run_until_complete(ended)

    async def _lifespan(self) -> None:
        async def send(message: Any) -> None:
            self.told.set()

        await self.app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, self.messages.get, send)

    async def _say(self, kind: str) -> None:
        self.told = asyncio.Event()
        await self.messages.put({"type": kind})
        await self.told.wait()

    def day(self, number: int) -> Day:
        day = Day(number)
        self.teacher.day = self.truth.day = number
        self.tools = tools_on(number, self.teacher.changes)
        self.compared = parse_tools(self.tools)
        morning = START + timedelta(days=number - 1)
        queries = list(queries_on(number, self.options.queries, SEED, morning, self.teacher.changes))
        size = len(queries) // self.options.chunks
        for chunk in range(self.options.chunks):
            self.clock.move_to(morning + chunk * DAY / self.options.chunks)
            self.settle()
            for query in queries[chunk * size : (chunk + 1) * size]:
                self.loop.run_until_complete(self.ask(query, day))
            self.ship()
            self.audit(day)
            if chunk % LOOKS_EVERY == LOOKS_EVERY - 1:
                self.look_for_drift(day)
            self.autopilot(day)
        return day

    async def ask(self, query: SampleQuery, day: Day) -> None:
        messages = [*query.context, {"role": "user", "content": query.text}]
        body = {"model": MODEL, "messages": messages, "tools": self.tools, "user": query.user_id}
        answer = await self.client.post("/v1/chat/completions", json=body)
        answer.raise_for_status()
        day.requests += 1
        if answer.headers["x-odia-route"] not in ("memo", "student"):
            return
        day.inline += 1
        call = _call_in(answer.json())
        if not same_call(call, self.truth.answer(query.text, query.context), self.compared):
            day.wrong += 1
            day.wrong_by_function[call.name if call else ""] += 1

    def settle(self) -> None:
        """Until the gateway knows what the database says and its students are loaded."""
        from training.selectors.snapshot import read_snapshot

        if read_snapshot() == self.known:
            return
        self.known = read_snapshot()
        give_up = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < give_up:
            entry = read_snapshot().applications[self.application.pk]
            ready = self.loop.run_until_complete(self.client.get("/readyz")).json()
            wanted = [
                (said, f"{student.version} {verb}")
                for said, student, verb in (
                    ("students", entry.champion, "answers"),
                    ("challengers", entry.challenger, "stands by"),
                )
                if student
            ]
            self.loop.run_until_complete(asyncio.sleep(0.35))  # a read of the snapshot that began before is over
            if all(ready[said].get(entry.slug) == state for said, state in wanted):
                return
        raise TimeoutError(f"The gateway did not follow: {ready}")

    def ship(self) -> None:
        from django.conf import settings

        from training.services.shipping import ship

        self.loop.run_until_complete(asyncio.sleep(3 * UPKEEP_SECONDS))
        ship(Path(settings.SPOOL_DIR))

    def audit(self, day: Day) -> None:
        from training.services.audits import audit_inline

        while (report := audit_inline(application=self.application, limit=40)).asked:
            day.audits += report.asked
            day.events += [f"audits: {sentence}" for sentence in report.switched_off]

    def look_for_drift(self, day: Day) -> None:
        from curation.models.jobs import Trigger
        from training.tasks import start_drift

        start_drift(application=self.application, trigger=Trigger.SCHEDULE)
        report = self.application.drift_reports.first()
        assert report is not None
        day.events += [f"drift: {alarm['sentence'][:200]}" for alarm in report.alarms]

    def autopilot(self, day: Day) -> None:
        from training.autopilot import autopilot_tick

        while actions := autopilot_tick(application=self.application):
            for action in actions:
                if action.asks:
                    self.ask_person(action, day)
                day.events.append(f"{'asks' if action.asks else action.step}: {action.sentence[:300]}")
                if action.job:
                    action.job.refresh_from_db()
                    if action.job.state != "done":
                        day.events.append(f"job {action.job.kind} is {action.job.state}: {action.job.message}")
            if all(action.asks for action in actions):
                return

    def ask_person(self, question: AutopilotAction, day: Day) -> None:
        day.questions.append(question.sentence)
        if len(day.questions) <= MOST_IN_A_DAY:
            day.events.append(f"person: {self.person.answer(question)}")


def _call_in(body: dict[str, Any]) -> Call | None:
    calls = body["choices"][0]["message"].get("tool_calls")
    if not calls:
        return None
    return Call(calls[0]["function"]["name"], json.loads(calls[0]["function"]["arguments"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=700, help="a day")
    parser.add_argument("--history", type=int, default=9000, help="queries before the first day")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--chunks", type=int, default=20, help="of a day")
    parser.add_argument("--changes", type=int, nargs=3, default=(3, 6, 9), help="the days of the three changes")
    parser.add_argument("--cluster-after", type=int, default=200, help="labelled queries")
    options = parser.parse_args(namespace=Options())
    prepare(eager=True)
    from tests.bench.stand import folder_for_odia

    random.seed(SEED)
    began = time.perf_counter()
    teacher = Teacher(Changes(*options.changes))
    server = teacher_server(teacher)
    port = server.servers[0].sockets[0].getsockname()[1]
    # One journey: between two, threads that look at the clock would break.
    with folder_for_odia() as folder, time_machine.travel(START - timedelta(hours=2), tick=True) as clock:
        application, key = application_with_history(folder, teacher, port, options)
        Fortnight(application, key, teacher, folder, options, clock).live()
    print(f"{time.perf_counter() - began:.0f} s in all")
    server.should_exit = True


if __name__ == "__main__":
    main()
