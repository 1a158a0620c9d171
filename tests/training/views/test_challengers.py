"""The challenger on its page, and what audits switched off."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from curation.models import Application, Query, ToolSetVersion
from curation.services.applications import application_ensure, tool_set_ensure
from curation.teachers.openai_api import TeacherAnswer as Asked
from tests.training.inline import answer_in_shadow, answer_inline, play
from tests.training.learned import TOOLS, make_evaluation, make_student
from training.models import Alias, AuditTally, Dataset, Evaluation, RoutingPolicy, Student, SwitchOff
from training.selectors.aliases import challenger_of
from training.services.audit_answers import audit_record
from training.services.challengers import canary_set, challenger_set
from training.services.policies import policy_of
from training.services.promotions import promote


@pytest.fixture
def champion(student: Student, evaluation: Evaluation) -> Student:
    promote(student=student)
    return student


@pytest.fixture
def challenger(champion: Student, dataset: Dataset) -> Student:
    other = make_student(dataset)
    make_evaluation(other)
    return other


def switch_off(student: Student, function: str = "") -> SwitchOff:
    return SwitchOff.objects.create(
        application=student.application, student=student, function=function, reason="9 of 20 audited answers differed."
    )


def offer(application: Application, tools: list[dict]) -> ToolSetVersion:
    tool_set = tool_set_ensure(application=application, tools=tools)
    Query.objects.filter(application=application).update(tool_set=tool_set)
    return tool_set


def test_a_challenger_is_made_given_users_and_withdrawn(client_of: dict[str, Client], challenger: Student) -> None:
    client, application = client_of["approver"], challenger.application
    address = reverse("student", args=[challenger.pk])
    assert "Make challenger" in client.get(address).content.decode()
    made = client.post(reverse("challenger_new", args=[challenger.pk]), follow=True).content.decode()
    assert "is the challenger" in made and "Trial beside the champion" in made and "Withdraw" in made
    client.post(reverse("canary"), {"percent": "20", "shadow": "on"})
    policy = policy_of(application)
    assert (policy.canary_share, policy.shadow) == (0.2, True)
    overview = client.get(reverse("home")).content.decode()
    assert "answers 20.0% of the users" in overview and "in shadow of the champion" in overview
    listed = client.get(reverse("students")).content.decode()
    assert "Canary" in listed and "It meets 20.0% of the users" in listed and "by approver" in listed
    client.post(reverse("challenger_withdraw"))
    assert challenger_of(application) is None
    assert "Withdrawn" in client.get(address).content.decode()


def test_a_step_widens_the_canary_at_once(client_of: dict[str, Client], challenger: Student) -> None:
    challenger_set(student=challenger)
    page = client_of["approver"].get(reverse("student", args=[challenger.pk])).content.decode()
    assert "Widen to 5%" in page
    client_of["approver"].post(reverse("canary"), {"percent": "0", "step": "5"})
    assert policy_of(challenger.application).canary_share == 0.05
    assert "Widen to 25%" in client_of["approver"].get(reverse("student", args=[challenger.pk])).content.decode()


def test_a_canary_that_somebody_else_changed_meanwhile_is_not_overwritten(
    client_of: dict[str, Client], challenger: Student
) -> None:
    challenger_set(student=challenger)
    seen = client_of["approver"].get(reverse("student", args=[challenger.pk])).context["seen"]
    canary_set(application=challenger.application, share=0.5, shadow=False)
    for address, given in (("canary", {"percent": "10"}), ("challenger_withdraw", {})):
        answer = client_of["approver"].post(reverse(address), {**given, "seen": seen}, follow=True)
        assert "Nothing was done: the policy changed the canary" in answer.content.decode()
    assert policy_of(challenger.application).canary_share == 0.5
    assert challenger_of(challenger.application) == challenger


def test_the_page_says_how_many_recent_users_a_share_would_take(
    client_of: dict[str, Client], champion: Student, challenger: Student
) -> None:
    challenger_set(student=challenger)
    for number in range(40):
        decision = answer_inline(champion, f"play {number}", play("Can"))
        Query.objects.filter(pk=decision.pk).update(client_id=f"user {number % 20}")
    canary_set(application=challenger.application, share=1.0, shadow=False)
    page = client_of["viewer"].get(reverse("student", args=[challenger.pk]))
    assert page.context["reached"] == (20, 40)
    counts = page.context["reach"].percents
    assert len(counts) == 101 and counts == sorted(counts) and counts[0] == (0, 0)


@pytest.mark.parametrize("share", ["200", "-1", "nan", "", "much"])
def test_a_share_that_is_none_is_refused_on_the_page(
    share: str, client_of: dict[str, Client], challenger: Student
) -> None:
    challenger_set(student=challenger)
    answer = client_of["approver"].post(reverse("canary"), {"percent": share})
    assert answer.status_code == 200 and 'class="error"' in answer.content.decode()
    assert policy_of(challenger.application).canary_share == 0.0


def test_without_a_challenger_a_sentence_says_so(client_of: dict[str, Client], champion: Student) -> None:
    for address, given in (("canary", {"percent": "much"}), ("challenger_withdraw", {})):
        answer = client_of["approver"].post(reverse(address), given, follow=True)
        assert "There is no challenger" in answer.content.decode()
    refused = client_of["approver"].post(reverse("challenger_new", args=[champion.pk]), follow=True)
    assert "is the champion; a challenger is another student" in refused.content.decode()


def test_the_trial_shows_what_became_of_canary_and_shadow(client_of: dict[str, Client], challenger: Student) -> None:
    challenger_set(student=challenger)
    canary_set(application=challenger.application, share=0.5, shadow=True)
    champion = Student.objects.exclude(pk=challenger.pk).get()
    RoutingPolicy.objects.update(audit_share=1.0)
    answered = [answer_inline(challenger, f"play {number}", play("Can")) for number in range(4)]
    audit_record(decision=answered[0], answer=Asked(play("Blur"), "", False, 900.0, 1, 1), model="m")
    for number in range(3):
        decision = answer_inline(champion, f"play shadowed {number}", play("Can"))
        answer_in_shadow(challenger, decision.pk, play("Can"), confidence=0.97 if number else 0.2)
        audit_record(decision=decision, answer=Asked(play("can"), "", False, 900.0, 1, 1), model="m")
    page = client_of["viewer"].get(reverse("student", args=[challenger.pk]))
    canary, shadow = page.context["canary"], page.context["shadow"]
    assert (canary.met, canary.inline, canary.audits.judged, canary.audits.disagreed) == (4, 4, 1, 1)
    assert (shadow.queries, shadow.challenger.inline, shadow.champion.inline) == (3, 2, 3)
    sides = shadow.challenger.seen, shadow.champion.seen
    assert [(seen.judged, seen.disagreed) for seen in sides] == [(2, 0), (3, 0)]
    text = page.content.decode()
    assert "1 of 1 audited" in text and "66.7%" in text and "Save" not in text


def test_what_is_switched_off_is_said_why_and_turned_on_again(client_of: dict[str, Client], champion: Student) -> None:
    AuditTally.objects.create(student=champion, function="play_music", audited=20, disagreed=9)
    off = switch_off(champion, "play_music")
    for page in (reverse("home"), reverse("student", args=[champion.pk])):
        text = client_of["viewer"].get(page).content.decode()
        assert "play_music is switched off" in text and "9 of 20 audited answers differed." in text
        assert "turn it on again" not in text and "Turn on again" not in text
    assert "turn it on again" in client_of["approver"].get(reverse("home")).content.decode()
    address = reverse("turn_on", args=[off.pk])
    assert address in client_of["approver"].get(reverse("student", args=[champion.pk])).content.decode()
    answer = client_of["approver"].post(address, follow=True).content.decode()
    assert "play_music is turned on again" in answer and "is switched off by the audits" not in answer
    assert not AuditTally.objects.exists()
    assert "is turned on again already" in client_of["approver"].post(address, follow=True).content.decode()


def test_a_switch_off_of_another_application_is_not_found(client_of: dict[str, Client], champion: Student) -> None:
    off = switch_off(champion)
    client = client_of["administrator"]
    session = client.session
    session["application"] = application_ensure(slug="another").pk
    session.save()
    assert client.post(reverse("turn_on", args=[off.pk])).status_code == 404
    off.refresh_from_db()
    assert off.lifted_at is None


def test_a_student_that_meets_no_traffic_raises_no_alarm(client_of: dict[str, Client], challenger: Student) -> None:
    switch_off(challenger)
    assert "by the audits" not in client_of["viewer"].get(reverse("home")).content.decode()
    Alias.objects.create(application=challenger.application, name="challenger", student=challenger)
    assert f"{challenger.version} is switched off" in client_of["viewer"].get(reverse("home")).content.decode()


def test_changed_tools_are_work_to_do(client_of: dict[str, Client], champion: Student) -> None:
    home, application = reverse("home"), champion.application
    assert "Tools changed" not in client_of["viewer"].get(home).content.decode()
    play_music, set_alarm = TOOLS
    changed = {"type": "function", "function": {**play_music["function"], "description": "Plays."}}
    added = {"type": "function", "function": {"name": "sing"}}
    offer(application, [changed, added])
    text = client_of["viewer"].get(home).content.decode()
    assert "new sing; changed play_music" in text and "never called: set_alarm" in text
    assert "Tools changed" in text and "Build a dataset" in text and reverse("datasets") in text
    offer(application, [set_alarm, play_music])
    assert "Tools changed" not in client_of["viewer"].get(home).content.decode()


def test_a_query_shows_its_audit_and_its_shadow(client_of: dict[str, Client], challenger: Student) -> None:
    decision = answer_inline(challenger, "play Can", play("Can"), ago=timedelta(minutes=1))
    address = reverse("query", args=[decision.pk])
    assert "the teacher is still to be asked about it" in client_of["viewer"].get(address).content.decode()
    audit_record(decision=decision, answer=Asked(play("Blur"), "", False, 900.0, 1, 1), model="m")
    answer_in_shadow(challenger, decision.pk, play("Cannibal"))
    text = client_of["viewer"].get(address).content.decode()
    assert "Audit" in text and "differs from the teacher" in text and "never sent" in text and "Cannibal" in text


def test_the_page_of_a_challenger_takes_a_bounded_number_of_queries(
    client_of: dict[str, Client], challenger: Student, django_assert_max_num_queries
) -> None:
    challenger_set(student=challenger)
    for number in range(5):
        decision = answer_inline(challenger, f"play {number}", play("Can"))
        answer_in_shadow(challenger, decision.pk, play("Can"))
    assert timezone.now() > Query.objects.latest("arrived_at").arrived_at
    with django_assert_max_num_queries(33):
        client_of["administrator"].get(reverse("student", args=[challenger.pk]))
