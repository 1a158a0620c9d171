"""A running gateway with a running teacher in front of which a student stands that does as it is told."""

from __future__ import annotations

import hashlib
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from curation.ml.calls import Call
from curation.ml.tools import hash_functions, hash_tools
from tests.training.gateway.servers import FakeTeacher, running, wait_until
from training.gateway.application import GatewayConfig, build_application
from training.gateway.serve import GatewayProtocol
from training.selectors.snapshot import (
    ApplicationEntry,
    KeyEntry,
    PolicyEntry,
    Snapshot,
    StudentEntry,
    TeacherEntry,
)
from training.services.records import RequestRecord, ShadowRecord, read_record
from training.students.base import Prediction
from training.students.memo import Memo

KEY = "odia-test-key"
AUTHORIZATION = {"authorization": f"Bearer {KEY}"}
TEACHER_KEY = "secret-of-the-teacher"
TEACHER_KEY_VARIABLE = "TEST_TEACHER_KEY"
MANIFEST = b"{}"
STRICT_CONCURRENCY = 2
STRICT_SECONDS = 0.4
TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {"type": "object", "properties": {parameter: {"type": "string"}}},
        },
    }
    for name, parameter in (("play_music", "artist"), ("set_alarm", "time"))
]


class FakeStudent:
    """Surely plays what comes after "play", is unsure about "maybe", breaks on "break".

    A challenger is surer and says that it is it.
    """

    tool_set_sha256 = hash_tools(TOOLS)
    functions = hash_functions(TOOLS)

    def __init__(self, *, challenges: bool = False) -> None:
        self._challenges = challenges
        self.memo = Memo({"the usual": Call("play_music", {"artist": "The usual"})})

    def predict(self, queries: Sequence[str]) -> list[Prediction]:
        return [self._predict(query) for query in queries]

    def _predict(self, query: str) -> Prediction:
        if query.startswith("break"):
            raise RuntimeError("a bug in the student")
        if query.startswith(("play ", "maybe ")):
            confidence = 0.99 if query.startswith("play ") or self._challenges else 0.5
            artist = query.partition(" ")[2] + (" says the challenger" if self._challenges else "")
            return Prediction(Call("play_music", {"artist": artist}), confidence)
        return Prediction(None, 0.0, f"nothing known: {query}")


class HastyProtocol(GatewayProtocol):
    head_seconds = STRICT_SECONDS
    write_seconds = STRICT_SECONDS


@dataclass
class Gateway:
    """Handle on the running gateway: what it knows can be changed, what it spooled can be read."""

    teacher_url: str
    folder: Path
    url: str = ""
    client: httpx.Client = field(init=False)
    snapshot: Snapshot = field(default_factory=Snapshot)
    reads: int = 0
    used: Counter[int] = field(default_factory=Counter)
    """Requests by key, as the gateway told its database."""

    def read_snapshot(self) -> Snapshot:
        self.reads += 1
        return self.snapshot

    def wait_for_change(self, seconds: float) -> None:
        time.sleep(seconds)

    def record_use(self, requests: Mapping[int, int], used_at: datetime) -> dict[int, int]:
        self.used.update(requests)
        return {pk: self.used[pk] for pk in requests}

    def hang_up(self) -> None:
        """There is no connection."""

    def know(self, **changes: Any) -> None:
        """Change the application's entry (policy, teacher, champion), and wait until the gateway knows."""
        entry = msgspec.structs.replace(default_entry(self.teacher_url, self.folder), **changes)
        self.know_snapshot(Snapshot({hashlib.sha256(KEY.encode()).hexdigest(): KeyEntry(7, 1)}, {1: entry}))

    def know_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        seen = self.reads
        wait_until(lambda: self.reads >= seen + 2, "a refresh of the snapshot")

    def wait_for_student(self, state: str, role: str = "students") -> None:
        wait_until(lambda: state in self.client.get("/readyz").json()[role].get("music", ""), state)

    def challenge(self, **changes: Any) -> None:
        """Let there be a challenger; changes to the entry as in `know`."""
        self.know(challenger=challenger_entry(self.folder), **changes)
        self.wait_for_student("stands by", "challengers")

    def ask(self, text: str = "hello", **fields: Any) -> httpx.Response:
        """One request; fields of None are left out."""
        body = {"model": "odia", "messages": [{"role": "user", "content": text}], "tools": TOOLS} | fields
        return self.post({name: value for name, value in body.items() if value is not None})

    def post(self, body: Any) -> httpx.Response:
        return self.client.post("/v1/chat/completions", json=body)

    def records(self, text: str | None) -> list[RequestRecord]:
        """The lines in the spool about requests with this text."""
        return [record for record in self._lines() if isinstance(record, RequestRecord) and record.text == text]

    def shadows(self, request_id: str) -> list[ShadowRecord]:
        """The lines in the spool about what the challenger would have answered to this request."""
        return [
            record
            for record in self._lines()
            if isinstance(record, ShadowRecord) and str(record.shadow_of) == request_id
        ]

    def _lines(self) -> list[RequestRecord | ShadowRecord]:
        while True:
            files = list((self.folder / "spool").iterdir())
            with suppress(FileNotFoundError):  # a segment got its next name in the meantime
                return [read_record(line) for path in files for line in path.read_bytes().splitlines()]


def default_entry(teacher_url: str, folder: Path) -> ApplicationEntry:
    return ApplicationEntry(
        1,
        "music",
        PolicyEntry(),
        TeacherEntry(f"{teacher_url}/v1", "large", TEACHER_KEY_VARIABLE, 20.0),
        StudentEntry(
            "music-encoder-1",
            str(folder / "artifact"),
            hashlib.sha256(MANIFEST).hexdigest(),
            FakeStudent.tool_set_sha256,
            0.9,
        ),
    )


def challenger_entry(folder: Path) -> StudentEntry:
    return StudentEntry(
        "music-encoder-2",
        str(folder / "challenger"),
        hashlib.sha256(MANIFEST).hexdigest(),
        FakeStudent.tool_set_sha256,
        0.9,
    )


def write_artifact(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_bytes(MANIFEST)
    return folder


def load_fake_student(folder: Path) -> FakeStudent:
    return FakeStudent(challenges=folder.name == "challenger")


@pytest.fixture(scope="package")
def running_teacher() -> Iterator[tuple[FakeTeacher, str]]:
    teacher = FakeTeacher()
    with running(teacher, lifespan="off") as url:
        yield teacher, url


@pytest.fixture(scope="package")
def running_gateway(
    running_teacher: tuple[FakeTeacher, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    with started(Gateway(running_teacher[1], tmp_path_factory.mktemp("gateway"))) as gateway:
        yield gateway


@pytest.fixture(scope="package")
def running_strict_gateway(
    running_teacher: tuple[FakeTeacher, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    gateway = Gateway(running_teacher[1], tmp_path_factory.mktemp("strict"))
    with started(gateway, HastyProtocol, body_seconds=STRICT_SECONDS, teacher_concurrency=STRICT_CONCURRENCY):
        yield gateway


@contextmanager
def started(gateway: Gateway, protocol: type[GatewayProtocol] = GatewayProtocol, **limits: Any) -> Iterator[Gateway]:
    """This gateway, running while the block lasts."""
    folder = gateway.folder
    write_artifact(folder / "artifact")
    write_artifact(folder / "challenger")
    config = GatewayConfig(
        folder / "state", folder / "spool", spool_limit=2**30, body_limit=2**20, refresh_seconds=0.02, **limits
    )
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setitem(os.environ, TEACHER_KEY_VARIABLE, TEACHER_KEY)
        application = build_application(config, gateway, load_fake_student)
        gateway.url = stack.enter_context(running(application, protocol=protocol))
        gateway.client = stack.enter_context(httpx.Client(base_url=gateway.url, headers=AUTHORIZATION, timeout=30))
        yield gateway


@pytest.fixture
def teacher(running_teacher: tuple[FakeTeacher, str]) -> FakeTeacher:
    running_teacher[0].reset()
    return running_teacher[0]


@pytest.fixture
def gateway(running_gateway: Gateway, teacher: FakeTeacher) -> Gateway:
    """The gateway as it is when nothing is special: a champion, a teacher, one key."""
    running_gateway.know()
    running_gateway.wait_for_student("answers")
    return running_gateway


@pytest.fixture
def strict(running_strict_gateway: Gateway, teacher: FakeTeacher) -> Gateway:
    """The same with little patience and room."""
    running_strict_gateway.know()
    running_strict_gateway.wait_for_student("answers")
    return running_strict_gateway
