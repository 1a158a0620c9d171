"""Several gateways on one port behave as one, and any of them may die."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.training.gateway.conftest import AUTHORIZATION, TOOLS, Gateway, started
from tests.training.gateway.processes import StartGateway, gateway_processes, keep_snapshot
from tests.training.gateway.servers import FakeTeacher, wait_until
from training.gateway import serve


@pytest.fixture
def start(tmp_path: Path, running_teacher: tuple[FakeTeacher, str]) -> Iterator[StartGateway]:
    keep_snapshot(tmp_path, 1, running_teacher[1])
    with gateway_processes(tmp_path) as start_another:
        yield start_another


def ask(url: str) -> httpx.Response:
    """Over a connection of its own."""
    body = {"model": "odia", "messages": [{"role": "user", "content": "hello"}], "tools": TOOLS}
    return httpx.post(f"{url}/v1/chat/completions", json=body, headers=AUTHORIZATION, timeout=30)


def who_recorded(folder: Path) -> set[int]:
    """The processes that wrote into the spool."""
    return {int(path.name.split("-")[1]) for path in (folder / "spool").iterdir()}


def test_processes_share_a_port_and_one_that_dies_takes_nothing_with_it(
    start: StartGateway, teacher: FakeTeacher, tmp_path: Path
) -> None:
    first = start()
    second = start(first.port)
    pids = {first.process.pid, second.process.pid}
    wait_until(lambda: ask(first.url).status_code == 200 and who_recorded(tmp_path) == pids, "answers of both")
    first.kill()
    assert [ask(first.url).status_code for _ in range(20)] == [200] * 20
    third = start(first.port)
    wait_until(lambda: ask(first.url).status_code == 200 and third.process.pid in who_recorded(tmp_path), "the third")


def test_a_gateway_that_is_asked_to_stop_answers_what_is_under_way(start: StartGateway, teacher: FakeTeacher) -> None:
    gateway = start()
    teacher.seconds = 1.0
    with ThreadPoolExecutor() as pool:
        under_way = pool.submit(ask, gateway.url)
        wait_until(lambda: len(teacher.requests) == 1, "the request")
        gateway.process.send_signal(signal.SIGTERM)
        assert under_way.result().status_code == 200
    gateway.process.wait(30)
    assert "Traceback" not in gateway.log.read_text()


def test_an_answer_does_not_say_by_which_server_it_was_sent(start: StartGateway, teacher: FakeTeacher) -> None:
    assert "server" not in ask(start().url).headers


def test_a_port_that_something_else_has_is_said_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "training.gateway.serve", "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"The gateway cannot listen on 127.0.0.1, port {port}: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("stream", [False, True])
def test_a_request_that_outlasts_the_end_is_told_so_and_recorded(
    teacher: FakeTeacher,
    running_teacher: tuple[FakeTeacher, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stream: bool,
) -> None:
    monkeypatch.setattr(serve, "STOP_SECONDS", 1)
    teacher.seconds = 30.0
    gateway = Gateway(running_teacher[1], tmp_path)
    messages = [{"role": "user", "content": "maybe at the end"}]
    with ThreadPoolExecutor() as pool:
        with started(gateway):
            gateway.know()
            gateway.wait_for_student("answers")
            under_way = pool.submit(
                httpx.post,
                f"{gateway.url}/v1/chat/completions",
                json={"model": "odia", "messages": messages, "tools": TOOLS, "stream": stream},
                headers=AUTHORIZATION,
                timeout=30,
            )
            wait_until(lambda: len(teacher.requests) == 1, "the request")
        response = under_way.result()
    assert (response.status_code, response.json()["error"]["code"]) == (503, "stopping")
    assert response.headers["retry-after"] == "1"
    assert [record.status for record in gateway.records("maybe at the end")] == [503]
