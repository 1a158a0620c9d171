"""A small application with real traffic in two approved clusters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from curation.identifiers import derived_id
from curation.ml.calls import Call
from curation.models import Application, Cluster, Clustering, Pattern, Query
from curation.models.clusters import pattern_key
from curation.models.traffic import Source
from curation.services.applications import tool_set_ensure
from curation.services.capture import capture
from curation.services.captured import Capture, TeacherAnswer
from training.services.policies import policy_of

START = datetime(2026, 1, 1, tzinfo=UTC)
ARTISTS = ["abba", "adele", "blur", "cher", "dido", "enya", "garbage", "hole", "inxs", "journey", "keane", "lorde"]
VERBS = ["play", "put on", "start", "give me", "i want to hear", "listen to"]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "play_artist",
            "description": "Play music by an artist.",
            "parameters": {"type": "object", "properties": {"artist": {"type": "string"}}, "required": ["artist"]},
        },
    },
    {"type": "function", "function": {"name": "pause", "parameters": {"type": "object", "properties": {}}}},
]


def traffic() -> list[tuple[str, Call | None]]:
    """(text, the teacher's call): twelve artists asked for in six ways, pauses, and small talk without a call."""
    plays = [(f"{verb} {artist}", Call("play_artist", {"artist": artist})) for artist in ARTISTS for verb in VERBS]
    pauses = [
        (f"{word} {what}", Call("pause")) for word in ("pause", "stop", "halt") for what in ("it", "the music", "now")
    ]
    talk: list[tuple[str, Call | None]] = [
        (f"how are you {name}", None) for name in ("today", "doing", "friend", "then")
    ]
    order = np.random.default_rng(0).permutation(len(plays) + len(pauses) + len(talk))
    everything = [*plays, *pauses, *talk]
    return [everything[at] for at in order]


def quiet(phase: str, fraction: float, message: str = "") -> None:
    """Nobody watches."""


def send(application: Application, queries: list[tuple[str, Call | None]], start: datetime = START) -> None:
    tools = tool_set_ensure(application=application, tools=TOOLS)
    capture(
        [
            Capture(
                id=derived_id(start + timedelta(minutes=minute), text),
                application_id=application.pk,
                tool_set_id=tools.pk,
                text=text,
                arrived_at=start + timedelta(minutes=minute),
                source=Source.IMPORT,
                answer=TeacherAnswer(call=call, latency_ms=1000.0 + minute),
            )
            for minute, (text, call) in enumerate(queries)
        ]
    )


def put_into_clusters(application: Application, *, approved: set[str]) -> Clustering:
    """One cluster and one pattern for each function, the approved ones approved."""
    clustering = Clustering.objects.create(application=application, queries=0, patterns=0)
    for function in ("play_artist", "pause", ""):
        cluster = Cluster.objects.create(
            application=application,
            clustering=clustering,
            name=function or "talk",
            function=function,
            status="approved" if function in approved else "proposed",
            centroid=np.eye(1, 384)[0],
            radius=0.3,
            simplicity=0.9,
            evidence={"purity": {"lower": 0.95}},
            queries=10,
            saved_calls=9.0,
            share=0.5,
        )
        pattern, _ = Pattern.objects.update_or_create(
            application=application,
            key=pattern_key(function),
            defaults={"template": function, "function": function, "embedding": np.eye(1, 384)[0], "cluster": cluster},
        )
        Query.objects.filter(application=application, function=function).update(pattern=pattern)
    return clustering


def unseen(application: Application) -> None:
    """Traffic that nobody has looked at, and a policy that so little of it can satisfy."""
    send(application, traffic())
    policy = policy_of(application)
    policy.epsilon, policy.approve_simplicity, policy.approve_purity, policy.approve_queries = 0.5, 0.3, 0.3, 5
    policy.save()


@pytest.fixture
def busy(application: Application) -> Application:
    """The application with its traffic, where `play_artist` and `pause` are approved."""
    send(application, traffic())
    put_into_clusters(application, approved={"play_artist", "pause"})
    return application
