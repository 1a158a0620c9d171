from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route as Address

from curation.ml.calls import Call
from curation.models import Application, Query, RouterDecision, TeacherCall
from curation.services.applications import teacher_set, tool_set_ensure
from tests.training.gateway.servers import completion, running
from tests.training.learned import TOOLS, make_student
from training.models import Alias, Dataset, Student, SwitchOff
from training.selectors.canary import place_of_user
from training.services.policies import policy_of
from training.students.base import Prediction
from training.students.memo import Memo
from training.views import trials


class FakeStudent:
    """Knows "the usual" by heart, is sure of what begins with "play", unsure of "maybe", refuses the rest."""

    memo = Memo({"the usual": Call("play_music", {"artist": "Can"})})

    def predict(self, queries: list[str]) -> list[Prediction]:
        [query] = queries
        if not query.startswith(("play ", "maybe ")):
            return [Prediction(None, 0.0, "nothing like it was learned")]
        call = Call("play_music", {"artist": query.partition(" ")[2]})
        return [Prediction(call, 0.97 if query.startswith("play ") else 0.5)]


@pytest.fixture
def champion(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> Student:
    student = make_student(dataset)
    Alias.objects.create(application=dataset.application, name="champion", student=student)
    monkeypatch.setattr(trials, "serve", lambda student: FakeStudent())
    trials.load_served.cache_clear()
    return student


@pytest.fixture
def teacher(application: Application) -> Iterator[list[dict[str, Any]]]:
    """A teacher that always plays Can; the bodies that it was sent."""
    sent: list[dict[str, Any]] = []

    async def complete(request: Request) -> JSONResponse:
        sent.append(json.loads(await request.body()))
        return JSONResponse(completion("", {"name": "play_music", "arguments": {"artist": "can"}}))

    server = Starlette(routes=[Address("/v1/chat/completions", complete, methods=["POST"])])
    with running(server, lifespan="off") as url:
        teacher_set(application=application, base_url=f"{url}/v1", model="large")
        yield sent


def attempt(client: Client, text: str) -> trials.Trial:
    answer = client.post(reverse("playground"), {"text": text})
    assert answer.status_code == 200
    return answer.context["trial"]


def outcomes(trial: trials.Trial) -> dict[str, str]:
    return {step.name: step.outcome for step in trial.steps}


def test_a_sure_call_is_answered_inline_and_the_teacher_is_asked_beside_it(
    client_of: dict[str, Client], champion: Student, teacher: list[dict[str, Any]]
) -> None:
    trial = attempt(client_of["viewer"], "play Can")
    assert (trial.route, trial.agrees) == ("student", True)
    assert outcomes(trial) == {
        "Eligibility": "passed",
        "Memo": "missed",
        "Student": "passed",
        "Gate": "passed",
        "Teacher": "skipped",
    }
    assert teacher[0]["messages"] == [{"role": "user", "content": "play Can"}]
    assert [tool["function"]["name"] for tool in teacher[0]["tools"]] == ["play_music", "set_alarm"]
    assert attempt(client_of["viewer"], "play Blur").agrees is False


def test_a_repeat_is_answered_by_the_memo(
    client_of: dict[str, Client], champion: Student, teacher: list[dict[str, Any]]
) -> None:
    trial = attempt(client_of["viewer"], "The  USUAL")
    assert (trial.route, trial.agrees) == ("memo", True)
    assert outcomes(trial)["Student"] == "skipped"


@pytest.mark.parametrize(("text", "stops_at"), [("maybe Can", "Gate"), ("how are you", "Student")])
def test_what_the_student_is_not_sure_of_goes_to_the_teacher(
    text: str, stops_at: str, client_of: dict[str, Client], champion: Student, teacher: list[dict[str, Any]]
) -> None:
    trial = attempt(client_of["viewer"], text)
    assert trial.route == "fallback"
    assert (outcomes(trial)[stops_at], outcomes(trial)["Teacher"]) == ("stopped", "passed")


def test_without_a_champion_or_with_inline_answers_off_the_teacher_answers(
    client_of: dict[str, Client], dataset: Dataset, teacher: list[dict[str, Any]], champion: Student
) -> None:
    policy = policy_of(dataset.application)
    policy.inline = False
    policy.save()
    trial = attempt(client_of["viewer"], "play Can")
    assert trial.route == "teacher" and "switched off" in trial.steps[0].sentence
    policy.inline = True
    policy.save()
    Alias.objects.all().delete()
    trial = attempt(client_of["viewer"], "play Can")
    assert trial.route == "teacher" and "no champion" in trial.steps[0].sentence
    assert len(teacher) == 2


@pytest.mark.parametrize(("function", "step"), [("play_music", "Gate"), ("", "Eligibility")])
def test_what_audits_switched_off_goes_to_the_teacher(
    function: str, step: str, client_of: dict[str, Client], champion: Student, teacher: list[dict[str, Any]]
) -> None:
    SwitchOff.objects.create(application=champion.application, student=champion, function=function, reason="Wrong.")
    trial = attempt(client_of["viewer"], "play Can")
    assert not trial.answered_inline
    [stopped] = [one for one in trial.steps if one.outcome == "stopped"]
    assert stopped.name == step and "audits have switched" in stopped.sentence
    assert attempt(client_of["viewer"], "the usual").route != "memo"


def test_a_changed_function_goes_to_the_teacher_and_the_others_do_not(
    client_of: dict[str, Client], champion: Student, teacher: list[dict[str, Any]]
) -> None:
    play_music, set_alarm = TOOLS
    for changed, inline in ((set_alarm, True), (play_music, False)):
        function = {**changed["function"], "description": "It does something else now."}
        tools = [{**changed, "function": function}, set_alarm if changed is play_music else play_music]
        offered = tool_set_ensure(application=champion.application, tools=tools)
        Query.objects.update(tool_set=offered)
        trial = attempt(client_of["viewer"], "play Can")
        assert trial.answered_inline is inline
    assert any("not offered as the student learned it" in one.sentence for one in trial.steps)


def test_a_teacher_that_is_down_or_slow_is_told_in_a_sentence(
    client_of: dict[str, Client], champion: Student, application: Application
) -> None:
    assert "No teacher is set" in attempt(client_of["viewer"], "play Can").teacher_problem
    teacher_set(application=application, base_url="http://127.0.0.1:9/v1", model="large")
    page = client_of["viewer"].post(reverse("playground"), {"text": "play Can"}).content.decode()
    assert "cannot be reached" in page and "play_music" in page


def test_nothing_is_recorded(client_of: dict[str, Client], champion: Student, teacher: list[dict[str, Any]]) -> None:
    before = Query.objects.count()
    attempt(client_of["viewer"], "play Can")
    assert Query.objects.count() == before
    assert not RouterDecision.objects.exists() and not TeacherCall.objects.exists()


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001])
def test_an_utterance_that_cannot_be_tried_gets_a_sentence(
    text: str, client_of: dict[str, Client], dataset: Dataset
) -> None:
    answer = client_of["viewer"].post(reverse("playground"), {"text": text})
    assert "Type an utterance of at most 2,000 characters." in answer.content.decode()


def test_an_artifact_that_is_gone_is_told_in_a_sentence(
    client_of: dict[str, Client], dataset: Dataset, teacher: list[dict[str, Any]]
) -> None:
    student = make_student(dataset)
    Alias.objects.create(application=dataset.application, name="champion", student=student)
    trials.load_served.cache_clear()
    trial = attempt(client_of["viewer"], "play Can")
    assert trial.route == "teacher" and "cannot be loaded" in trial.steps[0].sentence


def test_a_user_of_the_canary_meets_the_challenger(
    client_of: dict[str, Client], dataset: Dataset, champion: Student, teacher: list[dict[str, Any]]
) -> None:
    challenger = make_student(dataset)
    Alias.objects.create(application=dataset.application, name="challenger", student=challenger)
    policy = policy_of(dataset.application)
    policy.canary_share = 0.5
    policy.save()
    sides = {user: place_of_user(dataset.application.pk, user) < 0.5 for user in map(str, range(20))}
    inside = next(user for user, taken in sides.items() if taken)
    outside = next(user for user, taken in sides.items() if not taken)
    for user, student in ((inside, challenger), (outside, champion), ("", champion)):
        answer = client_of["viewer"].post(reverse("playground"), {"text": "play Can", "user": user})
        trial = answer.context["trial"]
        assert trial.student == student.version and trial.steps[0].name == "Canary"
    SwitchOff.objects.create(application=dataset.application, student=challenger, reason="Wrong.")
    answer = client_of["viewer"].post(reverse("playground"), {"text": "play Can", "user": inside})
    assert answer.context["trial"].student == champion.version
