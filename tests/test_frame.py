"""The frame of every page: navigation, keys, zone, headers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client, override_settings
from django.urls import reverse

from curation.models import Application

PAGES = [
    "home",
    "traffic",
    "clusters",
    "datasets",
    "runs",
    "evaluations",
    "students",
    "drift",
    "jobs",
    "trail",
    "playground",
    "settings",
]


@pytest.mark.parametrize("page", PAGES)
def test_the_navigation_leads_everywhere_and_says_where_one_is(
    page: str, client_of: dict[str, Client], application: Application
) -> None:
    text = client_of["administrator"].get(reverse(page)).content.decode()
    assert set(re.findall(r'href="([^"]+)" data-go="\S"', text)) == {*(reverse(name) for name in PAGES)}
    assert re.findall(r'href="([^"]+)"(?: data-go="\S")? aria-current="page"', text)[0] == reverse(page)


def test_keys_go_to_pages_that_are_in_the_navigation(client_of: dict[str, Client], application: Application) -> None:
    text = client_of["viewer"].get("/").content.decode()
    keys = re.findall(r'data-go="(\S)"', text)
    assert len(keys) == len(set(keys)) == len(PAGES) - 1
    assert re.findall(r"<kbd>g</kbd> <kbd>(\S)</kbd>", text) == keys


def test_pages_tell_others_nothing(client_of: dict[str, Client], application: Application) -> None:
    answer = client_of["administrator"].get(reverse("settings_keys"))
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]
    assert "unsafe" not in answer["Content-Security-Policy"]


@override_settings(SECURE_HSTS_SECONDS=3600)
def test_browsers_are_told_to_keep_to_https(db: None) -> None:
    assert "max-age=3600" in Client().get(reverse("login"), secure=True)["Strict-Transport-Security"]
    assert "Strict-Transport-Security" not in Client().get(reverse("login"))


def test_cookies_are_not_for_scripts_of_others(client_of: dict[str, Client]) -> None:
    answer = client_of["viewer"].get(reverse("jobs"))
    assert settings.SESSION_COOKIE_HTTPONLY and settings.SESSION_COOKIE_SAMESITE == "Lax"
    assert answer.wsgi_request.session.get_expiry_age() > 0


@pytest.mark.parametrize("name", ["odia/keys.js", "odia/odia.css"])
def test_the_frame_loads_nothing_from_elsewhere(name: str) -> None:
    path = finders.find(name)
    assert path
    text = Path(str(path)).read_text(encoding="utf-8")
    assert "//" not in re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
