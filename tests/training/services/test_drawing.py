"""What becomes of traffic that students have met, or that came under other tools."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from curation.identifiers import chance_of, new_id
from curation.ml.calls import Call
from curation.models import Application
from curation.models.traffic import Route, Source
from curation.services.applications import tool_set_ensure
from curation.services.capture import capture
from curation.services.captured import Capture, Decision, TeacherAnswer
from tests.training.inline import audit_share_set
from tests.training.services.conftest import TOOLS, put_into_clusters, send, traffic
from training.models import Dataset
from training.models.datasets import Split
from training.services.datasets import dataset_build
from training.services.policies import policy_of

ABBA = Call("play_artist", {"artist": "abba"})


@pytest.fixture
def learned_from(application: Application) -> Application:
    send(application, traffic())
    put_into_clusters(application, approved={"play_artist", "pause"})
    return application


def arrive(
    application: Application, texts: list[str], call: Call | None, route: Route, tools: list[dict[str, Any]] = TOOLS
) -> list[UUID]:
    """Requests that a student was asked about (or not, by the route), with the teacher's answer."""
    decision = Decision(route=route, reason="a reason", total_ms=5.0)
    tool_set = tool_set_ensure(application=application, tools=tools)
    ids = [new_id(timezone.now() - timedelta(hours=1) + timedelta(seconds=place)) for place in range(len(texts))]
    capture(
        [
            Capture(
                id=pk,
                application_id=application.pk,
                tool_set_id=tool_set.pk,
                text=text,
                arrived_at=timezone.now(),
                source=Source.GATEWAY,
                answer=TeacherAnswer(call=call),
                decision=decision,
            )
            for pk, text in zip(ids, texts, strict=True)
        ]
    )
    return ids


def texts_of(dataset: Dataset, *splits: Split) -> set[str]:
    return set(dataset.examples.filter(split__in=splits).values_list("text", flat=True))


def test_what_a_student_refused_is_measured_on_only_where_chance_picks_it(learned_from: Application) -> None:
    policy = policy_of(learned_from)
    policy.audit_share = 0.5
    policy.save()
    texts = [f"abba if it rains {number}" for number in range(40)]
    ids = arrive(learned_from, texts, ABBA, Route.FALLBACK)
    dataset = dataset_build(application=learned_from)
    picked = {text for pk, text in zip(ids, texts, strict=True) if chance_of(pk) < 0.5}
    assert 0 < len(picked) < len(texts)
    measured = texts_of(dataset, Split.CALIBRATION, Split.TEST) & set(texts)
    assert measured and measured <= picked
    assert set(texts) - picked <= texts_of(dataset, Split.TRAIN)


def test_a_share_that_was_raised_since_does_not_hold_of_what_came_before(
    learned_from: Application, users: dict[str, User]
) -> None:
    texts = [f"abba if it rains {number}" for number in range(40)]
    ids = arrive(learned_from, texts, ABBA, Route.FALLBACK)
    audit_share_set(learned_from, 0.3, users["administrator"])
    audit_share_set(learned_from, 1.0, users["administrator"])
    dataset = dataset_build(application=learned_from)
    picked = {text for pk, text in zip(ids, texts, strict=True) if chance_of(pk) < 0.05}
    assert texts_of(dataset, Split.CALIBRATION, Split.TEST) & set(texts) <= picked
    assert set(texts) - picked <= texts_of(dataset, Split.TRAIN)


def test_without_audits_nothing_that_a_student_met_is_measured_on(learned_from: Application) -> None:
    policy = policy_of(learned_from)
    policy.audit_share = 0.0
    policy.save()
    met = arrive(learned_from, [f"abba if it rains {number}" for number in range(40)], ABBA, Route.FALLBACK)
    dataset = dataset_build(application=learned_from)
    assert dataset.examples.filter(query_id__in=met).exists()
    assert not dataset.examples.filter(query_id__in=met).exclude(split=Split.TRAIN).exists()
    assert dataset.examples.filter(split=Split.TEST).exists()


def test_answers_under_older_tools_stay_examples_where_the_function_is_unchanged(
    learned_from: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.services.datasets.LEAST_SIMPLE", 1)
    tools: list[dict[str, Any]] = copy.deepcopy(TOOLS)
    tools[0]["function"]["parameters"]["properties"] = {"performer": {"type": "string"}}
    tools[0]["function"]["parameters"]["required"] = ["performer"]
    texts = [f"play {number} by abba" for number in range(600)]
    arrive(learned_from, texts, Call("play_artist", {"performer": "abba"}), Route.TEACHER, tools)
    dataset = dataset_build(application=learned_from)
    assert {tool["function"]["name"] for tool in dataset.tool_set.tools} == {"play_artist", "pause"}
    assert dataset.tool_set.tools == tools
    assert dataset.examples.filter(function="pause").exists()
    assert dataset.examples.filter(function="").exists()
    assert {tuple(row.arguments) for row in dataset.examples.filter(function="play_artist")} == {("performer",)}


def test_with_a_new_function_what_was_called_for_none_is_asked_anew(learned_from: Application) -> None:
    talk = {"type": "function", "function": {"name": "talk", "parameters": {"type": "object", "properties": {}}}}
    arrive(learned_from, [f"play {number} by abba" for number in range(600)], ABBA, Route.TEACHER, [*TOOLS, talk])
    dataset = dataset_build(application=learned_from)
    assert dataset.examples.filter(function="pause").exists()
    assert not dataset.examples.filter(function="").exists()
