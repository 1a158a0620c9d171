"""Rows of traffic and clusters for tests."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from curation.identifiers import new_id
from curation.ml.calls import Call
from curation.models import Application, Cluster, Clustering, Pattern, Query, ToolSetVersion
from curation.models.traffic import Source
from curation.services.applications import tool_set_ensure
from curation.services.capture import capture
from curation.services.captured import Capture, Decision, TeacherAnswer

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "play",
            "parameters": {
                "type": "object",
                "properties": {
                    "artist": {"type": "string"},
                    "mood": {"type": "string", "enum": ["calm", "happy"]},
                    "loud": {"type": "boolean"},
                    "tags": {"type": "array", "items": {"type": "string"}},
                },
                "required": ["artist"],
            },
        },
    },
    {
        "type": "function",
        "function": {
            "name": "volume",
            "parameters": {
                "type": "object",
                "properties": {"level": {"type": "integer", "maximum": 10}},
                "required": ["level"],
            },
        },
    },
]
EVIDENCE = {
    "function": "play",
    "purity": {"chosen": 9, "queries": 10, "share": 0.9, "lower": 0.6, "others": {"": 1}},
    "consistency": {
        "same_query": {"pairs": 4, "share": 1.0},
        "same_pattern": {"pairs": 9, "share": 0.9},
        "resampled": {"pairs": 0, "share": None},
    },
    "reach": {"reachable": 9, "values": 9, "share": 1.0},
    "shape": {"one_call": 1.0, "with_context": 0.0, "mean_words": 2.0},
    "probe": {"agreed": 8, "function_agreed": 9, "queries": 10, "share": 0.8},
    "volume": {"queries": 10, "share": 0.1, "teacher_ms": 14000.0, "teacher_share": 0.1},
}
START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def tool_set(application: Application) -> ToolSetVersion:
    return tool_set_ensure(application=application, tools=TOOLS)


def make_query(
    application: Application,
    text: str,
    call: Call | None = None,
    *,
    minute: int = 0,
    answered: bool = True,
    decision: Decision | None = None,
) -> Query:
    """One query; `answered` by the teacher with `call`; a minute later each."""
    arrived_at = START + timedelta(minutes=minute)
    row = Capture(
        id=new_id(arrived_at),
        application_id=application.pk,
        tool_set_id=tool_set(application).pk,
        text=text,
        arrived_at=arrived_at,
        source=Source.GATEWAY if decision else Source.IMPORT,
        answer=TeacherAnswer(call=call, latency_ms=1400.0) if answered else None,
        decision=decision,
    )
    capture([row])
    return Query.objects.get(pk=row.id)


def student_decision(call: Call | None, route: str = "student", total_ms: float = 4.0) -> Decision:
    return Decision(
        route=route,
        reason="the confidence reaches the threshold",
        total_ms=total_ms,
        student="music-encoder-1",
        call=call,
        confidence=0.97,
        threshold=0.9,
        steps={"student": 3.0, "memo": 0.1},
    )


def make_clustering(application: Application) -> Clustering:
    return Clustering.objects.create(application=application, queries=100, patterns=10)


def make_cluster(clustering: Clustering, name: str, queries: list[Query] | None = None, **values: Any) -> Cluster:
    """A cluster with one pattern of its name, which holds the queries."""
    members = queries or []
    defaults: dict[str, Any] = {
        "function": "play",
        "simplicity": 0.8,
        "share": 0.1,
        "saved_ms": 1000.0,
        "saved_calls": 8.0,
        "samples": {"typical": [str(query.pk) for query in members[:2]]},
    }
    cluster = Cluster.objects.create(
        application=clustering.application,
        clustering=clustering,
        name=name,
        centroid=[0.0] * 384,
        radius=0.3,
        evidence=EVIDENCE,
        queries=len(members),
        **{**defaults, **values},
    )
    pattern = Pattern.objects.create(
        application=clustering.application,
        key=hashlib.sha256(f"{clustering.pk} {name}".encode()).hexdigest(),
        template=name,
        function="play",
        queries=max(len(members), 1),
        embedding=[0.0] * 384,
        cluster=cluster,
    )
    Query.objects.filter(pk__in=[query.pk for query in members]).update(pattern=pattern)
    return cluster
