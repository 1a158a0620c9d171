"""What `manage.py doctor` tells: each part, whether it works, and what to do if it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import OperationalError
from kombu.exceptions import OperationalError as BrokerError

from curation.models import Application
from curation.teachers.secrets import SecretError, read_key
from odia_site.celery import app as celery_app
from odia_site.findings import START, Finding
from odia_site.job_health import examine_beat, examine_jobs
from training.selectors.aliases import champion_of
from training.selectors.waiting import switch_offs
from training.services.rejections import count_rejected
from training.services.segments import oldest_age, rejected_files, stored_bytes

PATIENCE_SECONDS = 2.0
SPOOL_MINUTES = 5
"""The shipper comes every second; what has waited this long waits for nobody."""


def examine() -> list[Finding]:
    """All findings. Where the database is away, what rests on it is left out."""
    served = _served()
    findings = [_database(), _broker(), *_workers(served), _gateway(), examine_spool()]
    if findings[0].ok:
        findings += [_migrations(), *examine_jobs(served=served), examine_beat(), *_applications()]
    return findings


def _database() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            (version,) = cursor.fetchone()
    except OperationalError:
        return Finding("database", False, f"PostgreSQL cannot be reached; {START}, or set DATABASE_URL.")
    return Finding("database", True, f"PostgreSQL {version} answers.")


def _migrations() -> Finding:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return Finding("migrations", False, f"{len(missing)} are not applied; run `manage.py migrate`.")
    return Finding("migrations", True, "All are applied.")


def _broker() -> Finding:
    try:
        with celery_app.connection_for_read() as broker:
            broker.ensure_connection(max_retries=1, timeout=int(PATIENCE_SECONDS))
    except BrokerError:
        return Finding("broker", False, f"It cannot be reached; {START}, or set CELERY_BROKER_URL.")
    return Finding("broker", True, "It answers.")


def _served() -> set[str]:
    """The queues whose workers answer."""
    try:
        queues = celery_app.control.inspect(timeout=PATIENCE_SECONDS).active_queues() or {}
    except BrokerError:
        queues = {}
    return {queue["name"] for own in queues.values() for queue in own}


def _workers(served: set[str]) -> Iterator[Finding]:
    for queue in ("default", "io", "training"):
        if queue in served:
            yield Finding(f"worker for {queue}", True, "It answers.")
        else:
            yield Finding(f"worker for {queue}", False, f"None answers; {START}, or a Celery worker for this queue.")


def _gateway() -> Finding:
    if not settings.GATEWAY_URL:
        return Finding("gateway", False, f"It is not running here; {START}.")
    try:
        answer = httpx.get(f"{settings.GATEWAY_URL.removesuffix('/v1')}/readyz", timeout=PATIENCE_SECONDS)
    except httpx.TransportError:
        return Finding("gateway", False, f"Nothing answers at {settings.GATEWAY_URL}; {START}.")
    if answer.status_code != httpx.codes.OK:
        return Finding("gateway", False, f"It answers, but is not ready: {answer.text[:300]}")
    return judge_gateway(answer.json())


def judge_gateway(state: dict[str, Any]) -> Finding:
    """What the gateway that answered says of its students, teachers and database."""
    students = [*state["students"].items(), *state["challengers"].items()]
    problems = [f"{slug}: {what}." for slug, what in students if "is refused" in what]
    problems += [f"The teacher at {url} does not answer." for url, is_ in state["teachers"].items() if is_ != "closed"]
    if state["database"] == "away":
        problems.append("It cannot reach PostgreSQL and goes on with what it knows.")
    if problems:
        return Finding("gateway", False, f"It answers at {settings.GATEWAY_URL}. {' '.join(problems)}")
    return Finding("gateway", True, f"It answers at {settings.GATEWAY_URL}.")


def examine_spool() -> Finding:
    """Whether records wait that nobody takes, and whether any were rejected."""
    folder: Path = settings.SPOOL_DIR
    if not folder.is_dir():
        return Finding("spool", True, "It was never written.")
    size = stored_bytes(folder)
    share = size / settings.SPOOL_LIMIT_BYTES
    rejected = sum(map(count_rejected, rejected_files(folder)))
    minutes = oldest_age(folder) / 60
    sentences = [f"{size / 1e6:.1f} MB wait to be written ({share:.0%} of what it may hold)."]
    if minutes > SPOOL_MINUTES:
        sentences.append(f"The oldest has waited for {minutes:.0f} minutes; is `manage.py ship_spool` running?")
    if rejected:
        sentences.append(
            f"{rejected} records could not be shipped: the .rejected files in {folder} say why; "
            "try them again with `manage.py ship_spool --rejected`, or delete the files to give them up."
        )
    return Finding("spool", share < 0.8 and minutes <= SPOOL_MINUTES and not rejected, " ".join(sentences))


def _applications() -> Iterator[Finding]:
    for application in Application.objects.select_related("teacher"):
        yield _teacher(application)
        champion = champion_of(application)
        yield Finding(
            f"{application.slug}: champion",
            True,
            f"{champion} answers." if champion else "None yet: everything goes to the teacher.",
        )
        if off := ", ".join(str(found) for found in switch_offs(application)):
            sentence = f"They switched off {off}; the student's page says why, and turns it on again."
            yield Finding(f"{application.slug}: audits", False, sentence)


def _teacher(application: Application) -> Finding:
    name = f"{application.slug}: teacher"
    if not hasattr(application, "teacher"):
        return Finding(name, False, "It has none; run `manage.py set_teacher`.")
    try:
        read_key(application.teacher.api_key_env)
    except SecretError as error:
        return Finding(name, False, str(error))
    return Finding(name, True, f"{application.teacher}.")
