"""An application with as much of everything as a test or a benchmark wants."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

import numpy as np
from django.db import connection
from django.utils import timezone

from curation.identifiers import new_id
from curation.ml import EMBEDDING_DIMENSIONS
from curation.ml.calls import Call
from curation.models import Application, Cluster, Clustering, Pattern
from curation.models.clusters import ClusterStatus
from curation.models.jobs import Job, JobKind, JobState, Trigger
from curation.models.reviews import Decision as Verdict
from curation.models.reviews import Review
from curation.models.traffic import Source
from curation.services.applications import tool_set_ensure
from curation.services.capture import capture
from curation.services.captured import Capture, Decision, TeacherAnswer
from tests.curation.traffic import EVIDENCE
from tests.training.drifting import ALARMS, make_report
from tests.training.learned import make_dataset, make_evaluation, make_student
from training.services.keys import key_create

FUNCTIONS = [f"function_{number}" for number in range(20)]
TOOLS = [
    {
        "type": "function",
        "function": {"name": name, "parameters": {"type": "object", "properties": {"artist": {"type": "string"}}}},
    }
    for name in FUNCTIONS
]
DAYS = 28
BATCH = 5000
WORDS = ["play", "some", "quiet", "music", "turn", "the", "lamp", "in", "my", "kitchen", "wake", "me", "with", "jazz"]


def fill(application: Application, *, queries: int, clusters: int, learned: int) -> None:
    """Add so many queries, a clustering with so many clusters, and so many datasets, students and evaluations."""
    add_traffic(application, queries)
    add_clustering(application, clusters=clusters, patterns=max(queries // 10, clusters))
    for place in range(learned):
        texts = [f"play artist {number}" for number in range(place, place + 90)]
        student = make_student(make_dataset(application, texts))
        make_evaluation(student, disagreements=40)
        make_report(application, alarms=ALARMS)
        key_create(application=application, label="one of many")
        Job.objects.create(
            application=application,
            kind=JobKind.CLUSTER,
            state=JobState.DONE,
            trigger=Trigger.PAGE,
            started_at=timezone.now(),
            finished_at=timezone.now(),
        )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def add_traffic(application: Application, queries: int) -> None:
    """Queries of the last weeks: a third imported, the others by all routes of the gateway."""
    tool_set = tool_set_ensure(application=application, tools=TOOLS)
    made = _captures(application.pk, tool_set.pk, queries)
    while rows := list(islice(made, BATCH)):
        capture(rows)


def add_clustering(application: Application, *, clusters: int, patterns: int) -> Clustering:
    """A clustering in force over all traffic, a third of its clusters approved, each with a review."""
    draw = np.random.default_rng(patterns)
    clustering = Clustering.objects.create(application=application, queries=patterns * 10, patterns=patterns)
    made = Cluster.objects.bulk_create(_cluster(clustering, number, clusters) for number in range(clusters))
    Review.objects.bulk_create(
        Review(application=application, decision=Verdict.APPROVE, cluster=one, before={"status": "proposed"}, after={})
        for one in made
        if one.status == ClusterStatus.APPROVED
    )
    Pattern.objects.bulk_create(
        (
            Pattern(
                application=application,
                key=hashlib.sha256(f"{clustering.pk} {number}".encode()).hexdigest(),
                template=f"pattern {number} for {{artist}}",
                function=FUNCTIONS[number % clusters % len(FUNCTIONS)],
                queries=10,
                embedding=_unit(draw),
                cluster=made[number % clusters],
                map_x=float(draw.uniform(-1, 1)),
                map_y=float(draw.uniform(-1, 1)),
            )
            for number in range(patterns)
        ),
        batch_size=BATCH,
    )
    _assign(application, clustering, clusters)
    return clustering


def _captures(application_id: int, tool_set_id: int, queries: int) -> Iterator[Capture]:
    draw = random.Random(queries)
    now = timezone.now()
    for number in range(queries):
        at = now - timedelta(days=DAYS) * (1 - number / queries)
        call = None if number % 23 == 0 else Call(draw.choice(FUNCTIONS), {"artist": f"artist {number % 400}"})
        route = draw.choice(["", "", "student", "student", "memo", "fallback", "teacher"])
        inline = route in ("student", "memo")
        answer = TeacherAnswer(call=call, latency_ms=draw.lognormvariate(7.2, 0.4), prompt_tokens=900)
        yield Capture(
            id=new_id(at),
            application_id=application_id,
            tool_set_id=tool_set_id,
            text=" ".join(draw.choices(WORDS, k=draw.randint(2, 9))) + f" {number % 5000}",
            arrived_at=at,
            source=Source.GATEWAY if route else Source.IMPORT,
            client_id=f"user {number % 300}",
            answer=answer if not inline or number % 20 == 0 else None,
            decision=_decision(draw, route, call) if route else None,
        )


def _decision(draw: random.Random, route: str, call: Call | None) -> Decision:
    asked = route != "teacher"
    return Decision(
        route=route,
        reason="the confidence reaches the threshold" if route == "student" else f"the route was {route}",
        total_ms=draw.uniform(2, 9) if route in ("student", "memo") else draw.lognormvariate(7.2, 0.4),
        student="music-encoder-1" if asked else "",
        call=call if asked and draw.random() > 0.03 else None,
        confidence=draw.random() if asked else None,
        threshold=0.9 if asked else None,
        steps={"student": 2.0, "memo": 0.1},
    )


def _cluster(clustering: Clustering, number: int, clusters: int) -> Cluster:
    return Cluster(
        application_id=clustering.application_id,
        clustering=clustering,
        name=f"pattern {number} for {{artist}}",
        function=FUNCTIONS[number % len(FUNCTIONS)],
        status=[ClusterStatus.APPROVED, ClusterStatus.PROPOSED, ClusterStatus.REJECTED][number % 3],
        centroid=_unit(np.random.default_rng(number)),
        radius=0.3,
        simplicity=(number % 100) / 100,
        evidence=EVIDENCE,
        queries=clustering.queries // clusters,
        share=1 / clusters,
        saved_calls=10.0,
        saved_ms=1000.0 * (clusters - number),
    )


def _unit(draw: np.random.Generator) -> list[float]:
    vector = draw.normal(size=EMBEDDING_DIMENSIONS)
    return [round(float(value), 4) for value in vector / np.linalg.norm(vector)]


def _assign(application: Application, clustering: Clustering, clusters: int) -> None:
    """Give every query a pattern of the clustering, and each cluster some samples."""
    patterns = list(Pattern.objects.filter(cluster__clustering=clustering).order_by("pk").values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE curation_query SET pattern_id = (%s::bigint[])[1 + abs(hashtext(id::text)) %% %s] "
            "WHERE application_id = %s",
            [patterns, len(patterns), application.pk],
        )
        cursor.execute(
            "UPDATE curation_cluster SET samples = (SELECT jsonb_build_object('typical', jsonb_agg(id)) FROM "
            "(SELECT q.id FROM curation_query q JOIN curation_pattern p ON p.id = q.pattern_id "
            "WHERE p.cluster_id = curation_cluster.id LIMIT 4) AS sample) WHERE clustering_id = %s",
            [clustering.pk],
        )
