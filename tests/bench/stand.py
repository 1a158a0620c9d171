"""What the measurements are made on: gateways and teachers in processes of their own, and what is sent to them."""

from __future__ import annotations

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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curation.sample.tools import TOOLS as SAMPLE_TOOLS
from tests.running import ROOT, RunningOdia, running_odia
from tests.training.gateway.servers import completion

SNIPS = ROOT.parent / "shared" / "data" / "snips"
KEY = "key-of-the-measurement"
SLUG = "measured"
START_SECONDS = 60.0


def tools_and_queries() -> tuple[list[dict[str, Any]], list[str]]:
    """Those of the snips folder beside the repository; where there is none, the sample's tools."""
    if not SNIPS.is_dir():
        return SAMPLE_TOOLS, [f"play song number {number} by somebody" for number in range(500)]
    lines = (SNIPS / "test.jsonl").read_text().splitlines()
    return json.loads((SNIPS / "tools.json").read_text()), [json.loads(line)["query"] for line in lines]


def body_of(text: str, tools: list[dict[str, Any]], **fields: Any) -> bytes:
    """A request as an application sends it."""
    system = {"role": "system", "content": "You are a helpful assistant. Call a function where one fits."}
    messages = [system, {"role": "user", "content": text}]
    return json.dumps({"model": "odia", "messages": messages, "tools": tools} | fields).encode()


def usual_completion() -> dict[str, Any]:
    arguments = {"artist": "Nina Simone", "music_item": "song", "service": "Spotify"}
    return completion("", {"name": "play_music", "arguments": arguments})


@contextmanager
def printing_port(*arguments: str) -> Iterator[int]:
    """A process whose first printed line is its port, while the block lasts."""
    with subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield int(process.stdout.readline())
        finally:
            process.kill()


@contextmanager
def instant_teacher() -> Iterator[int]:
    """The port of a teacher that answers at once."""
    code = "from tests.bench import stand, wire; wire.serve_instantly(stand.usual_completion())"
    with printing_port("-c", code) as port:
        yield port


@contextmanager
def folder_for_odia() -> Iterator[Path]:
    """A temporary folder that the database server reaches too, which may run as a user of its own."""
    with tempfile.TemporaryDirectory(prefix="odia-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@dataclass(frozen=True)
class Measured:
    """A whole ODIA with one application, a teacher and a key."""

    odia: RunningOdia
    key: str
    port: int


@contextmanager
def whole_odia(folder: Path, teacher_port: int, *arguments: str) -> Iterator[Measured]:
    """`manage.py up --no-sample` in this folder with these arguments, and what a request needs, made by commands."""
    with running_odia(folder / "var", *arguments) as odia:
        log = folder / "log.jsonl"
        request = {"model": "large", "messages": [{"role": "user", "content": "hello"}], "tools": SAMPLE_TOOLS}
        line = {"timestamp": "2025-01-15T12:00:00Z", "request": request, "response": usual_completion()}
        log.write_text(json.dumps(line) + "\n")
        odia.manage("import_traffic", str(log), "--application", SLUG)
        address = f"http://127.0.0.1:{teacher_port}/v1"
        odia.manage("set_teacher", "--application", SLUG, "--base-url", address, "--model", "large")
        printed = odia.manage("create_key", "--application", SLUG, "--json")
        port = int(odia.printed["Gateway"].rpartition(":")[2].partition("/")[0])
        yield Measured(odia, json.loads(printed.splitlines()[-1])["key"], port)


@contextmanager
def lone_gateway(module: str, *arguments: str, cpu: int | None = None) -> Iterator[tuple[int, int]]:
    """Port and process id of `python -m MODULE --serve ARGUMENTS FOLDER`, which calls `serve_alone`."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", module, "--serve", *arguments, folder]
        if cpu is not None:
            command = ["taskset", "--cpu-list", str(cpu), *command]
        log = Path(folder) / "log"
        with log.open("w") as output, subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output) as process:
            try:
                yield wait_for_port(Path(folder) / "port", log), process.pid
            finally:
                process.send_signal(signal.SIGINT)
                process.wait()


def wait_for_port(path: Path, log: Path) -> int:
    """The number in a file, as soon as it is there."""
    give_up_at = time.monotonic() + START_SECONDS
    while not path.exists():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"nothing started: {log.read_text()}")
        time.sleep(0.1)
    return int(path.read_text())


def key_hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def environment_of_settings() -> None:
    """Settings without a data directory of anybody's: for gateways that need no database."""
    os.environ.setdefault("ODIA_DATA_DIR", tempfile.mkdtemp(prefix="odia-bench-"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "odia_site.settings")


def split_options(arguments: Sequence[str]) -> tuple[bool, list[str]]:
    """Whether this process is the one to be measured, and what else is said."""
    return bool(arguments) and arguments[0] == "--serve", [one for one in arguments if one != "--serve"]
