"""The settings: application, teacher, policy, API keys."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from curation.models import Application, Teacher
from curation.teachers.openai_api import TeacherEndpoint
from tests.curation.traffic import tool_set
from training.models import ApiKey
from training.services.keys import hash_key, key_create, keys_record_use
from training.services.policies import policy_of
from training.views import settings as views

TEACHER = {
    "base_url": "http://127.0.0.1:9/v1/",
    "model": "large",
    "api_key_env": "TEACHER_KEY",
    "timeout_seconds": "30",
    "input_price": "2",
    "output_price": "8",
    "concurrency": "4",
}


@pytest.fixture
def client(client_of: dict[str, Client], application: Application) -> Client:
    return client_of["administrator"]


def test_parameters_are_written_one_to_a_line(client: Client, application: Application) -> None:
    given = {"name": "Music", "ignored_parameters": "play.client\n\n play.at ", "exact_parameters": ""}
    client.post(reverse("settings"), given)
    application.refresh_from_db()
    assert application.ignored_parameters == ["play.client", "play.at"]
    assert application.exact_parameters == []
    assert "play.client\nplay.at" in client.get(reverse("settings")).content.decode()


def test_a_parameter_without_its_function_is_refused(client: Client, application: Application) -> None:
    answer = client.post(reverse("settings"), {"name": "Music", "ignored_parameters": "client"})
    assert "write function.parameter" in answer.content.decode()
    application.refresh_from_db()
    assert application.ignored_parameters == []


def test_the_teacher_is_set(client: Client, application: Application) -> None:
    client.post(reverse("settings_teacher"), TEACHER)
    teacher = Teacher.objects.get(application=application)
    assert (teacher.base_url, teacher.model) == ("http://127.0.0.1:9/v1", "large")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[TeacherEndpoint]:
    """The teachers that a test asked; they answer, and call functions."""
    monkeypatch.setenv("TEACHER_KEY", "secret")
    seen: list[TeacherEndpoint] = []
    monkeypatch.setattr(views, "check_connection", seen.append)
    monkeypatch.setattr(views, "check_tools", lambda endpoint: None)
    return seen


def test_a_teacher_is_tried_before_it_is_saved(client: Client, asked: list[TeacherEndpoint]) -> None:
    answer = client.post(reverse("settings_teacher_test"), TEACHER)
    assert "The teacher answers, and calls functions: large at http://127.0.0.1:9/v1." in answer.content.decode()
    assert 'value="http://127.0.0.1:9/v1/"' in answer.content.decode()
    assert (asked[0].base_url, asked[0].api_key) == ("http://127.0.0.1:9/v1", "secret")
    assert "secret" not in answer.content.decode()
    assert not Teacher.objects.exists()


def test_what_is_wrong_with_a_teacher_is_told_in_place(
    client: Client, asked: list[TeacherEndpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    part = {"HX-Request": "true"}
    monkeypatch.setattr(views, "check_tools", lambda endpoint: "It answered with text.")
    answer = client.post(reverse("settings_teacher_test"), TEACHER, headers=part).content.decode()
    assert "<html" not in answer and "message warning" in answer and "It answered with text." in answer
    monkeypatch.setattr(views, "check_connection", lambda endpoint: "It is asleep.")
    answer = client.post(reverse("settings_teacher_test"), TEACHER, headers=part).content.decode()
    assert "message error" in answer and "It is asleep." in answer and "with text" not in answer
    monkeypatch.delenv("TEACHER_KEY")
    answer = client.post(reverse("settings_teacher_test"), TEACHER, headers=part).content.decode()
    assert "set the variable TEACHER_KEY" in answer


@pytest.mark.parametrize("url", ["http://169.254.169.254/v1", "ftp://example.org", "http://[::ffff:169.254.169.254]/"])
def test_an_address_that_may_not_be_asked_is_not_asked(url: str, client: Client, asked: list[TeacherEndpoint]) -> None:
    answer = client.post(reverse("settings_teacher_test"), {**TEACHER, "base_url": url})
    assert "<strong>Base URL:</strong>" in answer.content.decode()
    assert asked == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"base_url": "http://169.254.169.254/v1"}, "169.254"),
        ({"base_url": "ftp://example.org"}, "http"),
        ({"api_key_env": "sk-abcdef"}, "not the key itself"),
        ({"api_key_env": "ODIA_SECRET_KEY"}, "own"),
        ({"timeout_seconds": "0"}, "Between 1 and 600 seconds."),
        ({"timeout_seconds": "nan"}, "Enter a number."),
    ],
)
def test_a_teacher_that_cannot_be_is_refused(changed: dict[str, str], sentence: str, client: Client) -> None:
    answer = client.post(reverse("settings_teacher"), {**TEACHER, **changed})
    assert sentence in answer.content.decode()
    assert not Teacher.objects.exists()


def test_the_policy_is_changed_and_its_shares_are_shares(client: Client, application: Application) -> None:
    tool_set(application)
    given = {
        "epsilon": "0.05",
        "function_epsilon": "0.1",
        "audit_share": "0.25",
        "switched_off": ["volume"],
        "approve_simplicity": "0.8",
        "approve_purity": "0.9",
        "approve_queries": "5",
        "second_approver": "on",
    }
    client.post(reverse("settings_policy"), given)
    policy = policy_of(application)
    assert (policy.inline, policy.epsilon, policy.switched_off) == (False, 0.05, ["volume"])
    assert (policy.function_epsilon, policy.audit_share, policy.second_approver) == (0.1, 0.25, True)
    refused = client.post(reverse("settings_policy"), {**given, "epsilon": "2"})
    assert "less than or equal to 1" in refused.content.decode()
    assert policy_of(application).epsilon == 0.05


def test_a_key_is_shown_once_and_revoked(client: Client, application: Application) -> None:
    made = client.post(reverse("settings_keys"), {"label": "phone"})
    text = made.context["text"]
    key = ApiKey.objects.get(application=application)
    assert key.sha256 == hash_key(text)
    assert text in made.content.decode()
    assert "no-store" in made["Cache-Control"]
    assert text not in client.get(reverse("settings_keys")).content.decode()
    client.post(reverse("key_revoke", args=[key.pk]))
    key.refresh_from_db()
    assert key.revoked_at


def test_a_key_takes_a_limit_that_can_be_changed(client: Client, application: Application) -> None:
    client.post(reverse("settings_keys"), {"label": "phone", "requests_per_minute": "60"})
    key = ApiKey.objects.get(application=application)
    assert key.requests_per_minute == 60
    address = reverse("key_limit", args=[key.pk])
    assert 'value="60"' in client.get(reverse("settings_keys")).content.decode()
    client.post(address, {"requests_per_minute": "90"})
    key.refresh_from_db()
    assert key.requests_per_minute == 90
    client.post(address, {"requests_per_minute": ""})
    key.refresh_from_db()
    assert key.requests_per_minute is None


@pytest.mark.parametrize("limit", ["0", "-1", "many", "9" * 30])
def test_a_limit_that_cannot_be_is_refused_in_a_sentence(limit: str, client: Client, application: Application) -> None:
    refused = client.post(reverse("settings_keys"), {"label": "phone", "requests_per_minute": limit})
    assert 'class="error"' in refused.content.decode()
    key, _ = key_create(application=application, requests_per_minute=5)
    refused = client.post(reverse("key_limit", args=[key.pk]), {"requests_per_minute": limit})
    assert "message error" in refused.content.decode()
    key.refresh_from_db()
    assert (key.requests_per_minute, ApiKey.objects.count()) == (5, 1)


def test_keys_show_their_last_use(client: Client, application: Application) -> None:
    key, _ = key_create(application=application)
    assert "never" in client.get(reverse("settings_keys")).content.decode()
    keys_record_use(requests={key.pk: 3}, used_at=datetime(2026, 3, 1, 12, 5, tzinfo=UTC))
    text = client.get(reverse("settings_keys")).content.decode()
    assert "2026-03-01T12:05" in text and "never" not in text
