"""The challenger answers a part of the users, always the same ones; in the shadow it answers nobody."""

from __future__ import annotations

import msgspec
import pytest

from tests.training.gateway.conftest import Gateway, challenger_entry, default_entry
from tests.training.gateway.servers import FakeTeacher, wait_until
from training.selectors.snapshot import PolicyEntry, StudentEntry


def version(gateway: Gateway, user: str | None, text: str = "play Sade") -> str:
    return gateway.ask(text, user=user).headers["x-odia-student"]


def champion(gateway: Gateway, **changes: object) -> StudentEntry:
    entry = default_entry(gateway.teacher_url, gateway.folder).champion
    assert entry
    return msgspec.structs.replace(entry, **changes)


def test_a_user_is_always_on_the_same_side(gateway: Gateway) -> None:
    users = [f"user {number}" for number in range(60)]
    gateway.challenge(policy=PolicyEntry(canary_share=0.3))
    first = {user: version(gateway, user) for user in users}
    assert {user: version(gateway, user, "play Moby") for user in users} == first
    narrow = {user for user in users if first[user] == "music-encoder-2"}
    assert 6 <= len(narrow) <= 32, "30% of 60 users, give or take what chance explains"
    gateway.challenge(policy=PolicyEntry(canary_share=0.6))
    wide = {user for user in users if version(gateway, user) == "music-encoder-2"}
    assert narrow < wide, "who was on the challenger's side stays there when it is widened"


def test_without_a_user_the_key_decides(gateway: Gateway) -> None:
    gateway.challenge(policy=PolicyEntry(canary_share=0.5))
    assert len({version(gateway, None) for _ in range(10)}) == 1


@pytest.mark.parametrize(("share", "expected"), [(0.0, "music-encoder-1"), (1.0, "music-encoder-2")])
def test_nobody_and_everybody(gateway: Gateway, share: float, expected: str) -> None:
    gateway.challenge(policy=PolicyEntry(canary_share=share))
    assert {version(gateway, f"user {number}") for number in range(20)} == {expected}


def test_a_challenger_that_audits_stopped_leaves_its_users_to_the_champion(gateway: Gateway) -> None:
    stopped = msgspec.structs.replace(challenger_entry(gateway.folder), stopped=True)
    gateway.know(challenger=stopped, policy=PolicyEntry(canary_share=1.0))
    gateway.wait_for_student("stands by", "challengers")
    assert version(gateway, "anybody") == "music-encoder-1"


def test_a_promoted_challenger_takes_over_without_a_pause(gateway: Gateway) -> None:
    gateway.challenge()
    gateway.know(champion=challenger_entry(gateway.folder))
    assert version(gateway, None) == "music-encoder-2"


def test_a_champion_that_audits_stopped_answers_nothing(gateway: Gateway) -> None:
    gateway.know(champion=champion(gateway, stopped=True))
    for text in ("play to the auditors", "the usual"):
        assert gateway.ask(text).headers["x-odia-route"] == "teacher"
    [record] = gateway.records("play to the auditors")
    assert record.reason == "the audits switched the student off"
    gateway.know()
    assert gateway.ask("play to the auditors").headers["x-odia-route"] == "student"


def test_a_function_that_audits_switched_off_goes_to_the_teacher(gateway: Gateway) -> None:
    gateway.know(champion=champion(gateway, switched_off=("play_music",)))
    assert gateway.ask("play no more").headers["x-odia-route"] == "fallback"
    [record] = gateway.records("play no more")
    assert record.reason == "the audits switched the function off"
    gateway.know(champion=champion(gateway, switched_off=("set_alarm",)))
    assert gateway.ask("play once more").headers["x-odia-route"] == "student"


@pytest.mark.parametrize(
    ("text", "route", "artist"),
    [
        ("play in the sun", "student", "in the sun says the challenger"),
        ("maybe in the shade", "fallback", "in the shade says the challenger"),
        ("the usual", "memo", "The usual"),
    ],
)
def test_a_shadowed_challenger_is_recorded_and_never_sent(
    gateway: Gateway, teacher: FakeTeacher, text: str, route: str, artist: str
) -> None:
    gateway.challenge(policy=PolicyEntry(shadow=True))
    response = gateway.ask(text)
    assert response.headers["x-odia-route"] == route
    assert response.headers["x-odia-student"] == "music-encoder-1"
    assert "challenger" not in response.text
    request_id = response.headers["x-odia-request-id"]
    wait_until(lambda: gateway.shadows(request_id), "the shadow's record")
    [shadow] = gateway.shadows(request_id)
    assert shadow.call and shadow.call.arguments == {"artist": artist}
    assert (shadow.student, shadow.threshold) == ("music-encoder-2", 0.9)


def test_what_is_not_for_students_casts_no_shadow(gateway: Gateway) -> None:
    gateway.challenge(policy=PolicyEntry(shadow=True))
    without_tools = gateway.ask("play without tools", tools=None).headers["x-odia-request-id"]
    after = gateway.ask("play after it").headers["x-odia-request-id"]
    wait_until(lambda: gateway.shadows(after), "the shadow's record")
    assert not gateway.shadows(without_tools)


@pytest.mark.parametrize(("share", "audited"), [(0.0, {False}), (1.0, {True})])
def test_a_share_of_the_inline_answers_is_marked_for_the_audit(
    gateway: Gateway, share: float, audited: set[bool]
) -> None:
    gateway.know(policy=PolicyEntry(audit_share=share))
    texts = [f"play for audit {share}", f"maybe for audit {share}"]
    for text in texts:
        gateway.ask(text)
    assert {record.audit for record in gateway.records(texts[0])} == audited
    assert [record.audit for record in gateway.records(texts[1])] == [False], "the teacher has answered it already"


def test_an_audit_asks_what_the_application_asked(gateway: Gateway) -> None:
    """With its instructions and choices, which a query's text does not tell."""
    gateway.know(policy=PolicyEntry(audit_share=1.0))
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "play it again"}]
    gateway.ask(messages=messages, tool_choice="required", temperature=0.2, user="someone", stream=True)
    [record] = gateway.records("play it again")
    assert record.request == {"messages": messages, "tool_choice": "required", "temperature": 0.2}
