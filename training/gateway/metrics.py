"""Prometheus metrics of a gateway. Several processes on one machine add theirs up (see `shared_metrics`)."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from training.gateway.envelope import ApiError
from training.gateway.exchange import Exchange
from training.gateway.shared_metrics import SHARED_FOLDER
from training.selectors.snapshot import Snapshot

SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Names applications, students, steps, routes and reasons; never a key or a text."""

    def __init__(self) -> None:
        self._registry = own = CollectorRegistry()
        answer = ["application", "route", "reason", "status"]
        self._requests = Counter("odia_requests", "Answered requests.", answer, registry=own)
        self._seconds = Histogram(
            "odia_request_seconds",
            "From the arrival of a request to its answer.",
            ["application", "route"],
            buckets=SECONDS,
            registry=own,
        )
        self._steps = Histogram(
            "odia_step_seconds", "Time spent in a step of a request.", ["step"], buckets=SECONDS, registry=own
        )
        self._refused = Counter(
            "odia_refused_requests", "Requests without a valid key or form.", ["code"], registry=own
        )
        self._state = {
            name: Gauge(f"odia_{name}", text, registry=own, multiprocess_mode="livesum")
            for name, text in (
                ("spool_backlog_bytes", "Records that wait for room on the disk, in memory."),
                ("spool_dropped", "Records lost since the start of the processes that live."),
                ("teacher_requests_in_flight", "Requests that wait for a teacher."),
            )
        } | {
            name: Gauge(f"odia_{name}", text, registry=own, multiprocess_mode="livemax")
            for name, text in (
                ("spool_bytes", "Records that wait for PostgreSQL, on the disk."),
                ("snapshot_age_seconds", "Since keys, policies and students were last read."),
            )
        }
        self._breakers = Gauge(
            "odia_breaker_open",
            "1 where requests to a teacher are held back because it does not answer.",
            ["teacher"],
            registry=own,
            multiprocess_mode="livemax",
        )
        self._audits = {
            name: Gauge(
                f"odia_{name}_answers", text, ["application", "student"], registry=own, multiprocess_mode="livemax"
            )
            for name, text in (
                ("audited", "Inline answers held against the teacher, since the promotion."),
                ("disagreed", "Those of them that differ from the teacher's."),
            )
        }

    def answered(self, exchange: Exchange, status: int, kind: str) -> None:
        """Count one request; `kind` is its reason without words of the query."""
        slug, route = exchange.application.slug, exchange.decision.route
        self._requests.labels(slug, route, kind, status).inc()
        self._seconds.labels(slug, route).observe(exchange.watch.total_ms / 1000)
        for step, milliseconds in exchange.watch.steps.items():
            self._steps.labels(step).observe(milliseconds / 1000)

    def refused(self, error: ApiError) -> None:
        self._refused.labels(error.code).inc()

    def state(self, name: str, value: float) -> None:
        """Set one of the gauges of this process."""
        self._state[name].set(value)

    def breakers(self, states: dict[str, str]) -> None:
        for teacher, state in states.items():
            self._breakers.labels(teacher).set(state != "closed")

    def follow(self, snapshot: Snapshot) -> None:
        """What audits saw of the students in service."""
        for application in snapshot.applications.values():
            for entry in filter(None, (application.champion, application.challenger)):
                self._audits["audited"].labels(application.slug, entry.version).set(entry.audited)
                self._audits["disagreed"].labels(application.slug, entry.version).set(entry.disagreed)

    async def show(self, request: Request) -> Response:
        """`/metrics`: of all processes that share a folder, else of this one."""
        registry = self._registry
        if SHARED_FOLDER in os.environ:
            registry = CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
