"""The gateway as a process of its own: without PostgreSQL, killed in the middle, and with PostgreSQL beside it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import httpx
import pytest

from curation.models import Application, Query, RouterDecision
from curation.services.applications import teacher_set
from tests.snapshots import SnapshotSource
from tests.training.gateway.conftest import AUTHORIZATION, KEY, TEACHER_KEY, TOOLS
from tests.training.gateway.processes import StartGateway, gateway_processes, keep_snapshot
from tests.training.gateway.servers import FakeTeacher, running, wait_until
from training.gateway.application import GatewayConfig, build_application
from training.gateway.database import Postgres
from training.selectors.snapshot import (
    Snapshot,
)
from training.services.keys import key_create, key_revoke
from training.services.shipping import ship


def test_the_gateway_imports_no_torch() -> None:
    code = "import sys, training.gateway.asgi; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartGateway]:
    with gateway_processes(tmp_path) as start_another:
        yield start_another


async def ask_many(url: str, texts: list[str], kill_after: int, kill: Callable[[], object]) -> list[str]:
    """The request ids of all that was answered before the gateway was killed."""
    answered: list[str] = []

    async def ask(client: httpx.AsyncClient, text: str) -> None:
        body = {"model": "odia", "messages": [{"role": "user", "content": text}], "tools": TOOLS}
        try:
            response = await client.post(
                f"{url}/v1/chat/completions", json=body | {"stream": text.endswith("7")}, headers=AUTHORIZATION
            )
        except httpx.TransportError:
            return
        assert response.status_code == 200
        answered.append(response.headers["x-odia-request-id"])
        if len(answered) == kill_after:
            kill()

    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=8), timeout=30) as client:
        await asyncio.gather(*(ask(client, text) for text in texts))
    return answered


@pytest.mark.django_db
def test_what_was_answered_before_a_kill_is_recorded_once(
    start: StartGateway, teacher: FakeTeacher, running_teacher: tuple[FakeTeacher, str], tmp_path: Path
) -> None:
    """And all of it without PostgreSQL at the gateway's side."""
    application = Application.objects.create(slug="music", name="Music")
    keep_snapshot(tmp_path, application.pk, running_teacher[1])
    answered: list[str] = []
    for round_ in range(2):
        gateway = start()
        assert httpx.get(f"{gateway.url}/readyz").json()["database"] == "away"
        texts = [f"round {round_} query {number}" for number in range(200)]
        answered += asyncio.run(ask_many(gateway.url, texts, 60, gateway.kill))
    ship(tmp_path / "spool")
    recorded = {str(pk) for pk in Query.objects.values_list("pk", flat=True)}
    assert len(answered) >= 120 and len(set(answered)) == len(answered)
    assert set(answered) <= recorded
    assert Query.objects.count() == RouterDecision.objects.count() == Query.objects.distinct("text").count()
    assert Query.objects.filter(labelled=True, tool_set__isnull=False, pk__in=answered).count() == len(answered)
    assert list((tmp_path / "spool").iterdir()) == []
    for log in ("0.log", "1.log"):
        written = (tmp_path / log).read_text()
        assert KEY not in written and TEACHER_KEY not in written


def away() -> Snapshot:
    raise ConnectionError("no connection")


def test_a_gateway_that_never_saw_its_database_says_so(tmp_path: Path) -> None:
    with running(build_application(config_in(tmp_path), SnapshotSource(away), no_student)) as url:
        assert httpx.get(f"{url}/healthz").status_code == 200
        assert httpx.get(f"{url}/readyz").status_code == 503
        response = httpx.get(f"{url}/v1/models", headers=AUTHORIZATION)
    assert response.status_code == 503
    assert response.json()["error"]["message"] == "The gateway has not reached its database yet."


@pytest.mark.django_db(transaction=True)
def test_keys_come_and_go_with_the_next_refresh(
    teacher: FakeTeacher, running_teacher: tuple[FakeTeacher, str], tmp_path: Path
) -> None:
    assert config_in(tmp_path).refresh_seconds <= 1, "a change must be seen within two seconds"
    application = Application.objects.create(slug="music", name="Music")
    teacher_set(application=application, base_url=f"{running_teacher[1]}/v1", model="large")
    with running(build_application(config_in(tmp_path), Postgres(), no_student)) as url:

        def status(text: str) -> int:
            return httpx.get(f"{url}/v1/models", headers={"authorization": f"Bearer {text}"}).status_code

        key, text = key_create(application=application)
        wait_until(lambda: status(text) == 200, "the new key")
        key_revoke(key=key)
        wait_until(lambda: status(text) == 401, "the end of the revoked key")


def config_in(folder: Path) -> GatewayConfig:
    return GatewayConfig(folder / "state", folder / "spool", spool_limit=2**20, body_limit=2**20)


def no_student(folder: Path) -> NoReturn:
    raise AssertionError("there is no champion")
