"""What Prometheus finds: counts by route and reason, times of each step, states of the parts; no words, no keys."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.training.gateway.conftest import KEY, TEACHER_KEY, Gateway, default_entry
from tests.training.gateway.servers import wait_until
from training.gateway.shared_metrics import SHARED_FOLDER, share_metrics


def samples(gateway: Gateway) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    page = gateway.client.get("/metrics")
    assert page.status_code == 200
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    }


def value(gateway: Gateway, name: str, **labels: str) -> float:
    return samples(gateway).get((name, frozenset(labels.items())), 0.0)


def test_requests_are_counted_by_route_and_reason(gateway: Gateway) -> None:
    fallback = {"application": "music", "route": "fallback", "reason": "nothing known", "status": "200"}
    student = fallback | {"route": "student", "reason": "the confidence reaches the threshold"}
    before = [value(gateway, "odia_requests_total", **labels) for labels in (fallback, student)]
    gateway.ask("secret words")
    gateway.ask("play secret tunes")
    wait_until(lambda: value(gateway, "odia_requests_total", **student) == before[1] + 1)
    assert value(gateway, "odia_requests_total", **fallback) == before[0] + 1


def test_no_word_and_no_key_is_shown(gateway: Gateway) -> None:
    gateway.ask("secret words", user="secret user")
    page = gateway.client.get("/metrics").text
    assert "secret" not in page and KEY not in page and TEACHER_KEY not in page


def test_every_step_has_a_histogram(gateway: Gateway) -> None:
    gateway.ask("maybe Sade")
    gateway.ask("maybe Sade", stream=True)
    for step in ("key", "form", "eligibility", "memo", "student", "teacher", "stream"):
        assert value(gateway, "odia_step_seconds_count", step=step) >= 1, step
    assert value(gateway, "odia_request_seconds_count", application="music", route="fallback") >= 2


def test_refusals_are_counted_by_their_code(gateway: Gateway) -> None:
    before = value(gateway, "odia_refused_requests_total", code="invalid_request")
    assert gateway.post({"model": "odia"}).status_code == 400
    assert value(gateway, "odia_refused_requests_total", code="invalid_request") == before + 1


def test_what_audits_saw_is_shown(gateway: Gateway) -> None:
    champion = default_entry(gateway.teacher_url, gateway.folder).champion
    assert champion
    gateway.know(champion=msgspec.structs.replace(champion, audited=120, disagreed=3))
    labels = {"application": "music", "student": champion.version}
    assert value(gateway, "odia_audited_answers", **labels) == 120
    assert value(gateway, "odia_disagreed_answers", **labels) == 3


def test_the_state_of_the_parts_is_shown(gateway: Gateway) -> None:
    gateway.ask("maybe Sade")
    breaker = {"teacher": f"{gateway.teacher_url}/v1"}
    wait_until(lambda: ("odia_breaker_open", frozenset(breaker.items())) in samples(gateway))
    assert value(gateway, "odia_breaker_open", **breaker) == 0
    wait_until(lambda: value(gateway, "odia_spool_bytes") > 0)
    for name in ("spool_backlog_bytes", "spool_dropped", "snapshot_age_seconds", "teacher_requests_in_flight"):
        assert (f"odia_{name}", frozenset()) in samples(gateway)


COUNT_AND_SHOW = """
import sys, asyncio
from pathlib import Path
from training.gateway.shared_metrics import share_metrics
share_metrics(Path(sys.argv[1]))
from training.gateway.envelope import ApiError
from training.gateway.metrics import Metrics
metrics = Metrics()
metrics.refused(ApiError(401, "no", code="invalid_api_key"))
metrics.state("spool_dropped", 5)
print(asyncio.run(metrics.show(None)).body.decode())
"""


def test_processes_of_one_machine_add_up(tmp_path: Path) -> None:
    """The counts of one that ended go on, what its gauges said is forgotten."""
    command = [sys.executable, "-c", COUNT_AND_SHOW, str(tmp_path / "metrics")]
    code = f"import django, os; django.setup()\n{COUNT_AND_SHOW}"
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "odia_site.settings"}
    command[2] = code
    pages = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout for _ in range(2)
    ]
    assert 'odia_refused_requests_total{code="invalid_api_key"} 1.0' in pages[0]
    assert 'odia_refused_requests_total{code="invalid_api_key"} 2.0' in pages[1]
    assert "odia_spool_dropped 5.0" in pages[1]


def test_a_disk_without_room_leaves_each_gateway_its_own_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Room is taken in advance: the kernel ends a process that writes to a mapped page for which there is none."""

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.delenv(SHARED_FOLDER, raising=False)
    monkeypatch.setattr(os, "posix_fallocate", full)
    share_metrics(tmp_path)
    assert SHARED_FOLDER not in os.environ
    assert not list(tmp_path.iterdir()) and "no space left" in caplog.text


def test_room_for_the_metrics_is_taken_before_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARED_FOLDER, "")
    share_metrics(tmp_path)
    assert os.environ[SHARED_FOLDER] == str(tmp_path)
    files = list(tmp_path.iterdir())
    assert len(files) == 4
    assert all(file.stat().st_blocks * 512 >= file.stat().st_size > 0 for file in files), "no holes"
