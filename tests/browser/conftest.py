"""A real Chromium, and a whole ODIA with a small sample of traffic for it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from curation.sample.log import sample_log
from curation.sample.wire import MODEL
from tests.running import ROOT, RunningOdia, free_ports, reachable_folder, running_odia

SCREENSHOTS = Path(__file__).parent / "screenshots"
APPLICATION = "music-assistant"
QUERIES = 3000
FUNCTIONS = {"play_artist", "play_genre", "next_track", "previous_track", "pause", "resume", "similar_artists", None}
"""A few wishes only, so that a small student learns them in less than a minute."""

FILL = """
from curation.services.applications import application_ensure
from tests.busy import fill
fill(application_ensure(slug="busy"), queries=600, clusters=30, learned=4)
"""
Scheme = Literal["light", "dark"]


@dataclass(frozen=True)
class Site:
    """A running ODIA with imported traffic and a quick sample teacher."""

    odia: RunningOdia
    url: str
    gateway: str
    password: str


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one module: while it is open, Playwright keeps an event loop running that other tests must not meet."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("There is no Chromium on the path (apt-get install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = reachable_folder(tmp_path_factory, "site")
    log = folder / "log.jsonl"
    with log.open("w", encoding="utf-8") as file:
        everyday = (line for line in sample_log(queries=9000, end=datetime.now(UTC)) if _is_everyday(line))
        for line in islice(everyday, QUERIES):
            file.write(json.dumps(line) + "\n")
    port = free_ports(1)
    teacher = [sys.executable, "-m", "curation.sample.teacher", "--port", str(port), "--scale", "0.02"]
    with subprocess.Popen(teacher, cwd=ROOT) as process, running_odia(folder / "var") as odia:
        try:
            base_url = f"http://127.0.0.1:{port}/v1"
            odia.manage("import_traffic", str(log), "--application", APPLICATION)
            odia.manage("set_teacher", "--application", APPLICATION, "--base-url", base_url, "--model", MODEL)
            _wait_for(f"{base_url}/models")
            password = odia.printed["Sign"].partition("password ")[2].split()[0]
            yield Site(odia, odia.printed["Dashboard"].rstrip("/"), odia.printed["Gateway"], password)
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def busy_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A running ODIA whose one application has some of everything that a page can show; see `tests.busy`."""
    with running_odia(reachable_folder(tmp_path_factory, "busy") / "var") as odia:
        odia.manage("shell", "--no-imports", "-c", FILL)
        password = odia.printed["Sign"].partition("password ")[2].split()[0]
        yield Site(odia, odia.printed["Dashboard"].rstrip("/"), odia.printed["Gateway"], password)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A light window of 1440 px."""
    with window(browser) as page:
        yield page


@contextmanager
def window(browser: Browser, *, width: int = 1440, scheme: Scheme = "light", script: bool = True) -> Iterator[Page]:
    """A window with sessions of its own.

    What a page writes to its console as an error fails the test, and so does a request to another machine.
    """
    size: ViewportSize = {"width": width, "height": 900}
    context = browser.new_context(viewport=size, color_scheme=scheme, java_script_enabled=script)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: None if _is_here(request.url) else wrong.append(request.url))
    yield page
    context.close()
    assert wrong == []


def sign_in(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/sign-in/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(site.password)
    with page.expect_navigation():
        page.get_by_role("button", name="Sign in").click()


def photograph(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)


def _is_here(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("data", "blob") or parts.hostname == "127.0.0.1"


def _is_everyday(line: dict[str, Any]) -> bool:
    """One call of a few functions, or none, with no earlier turn."""
    calls = line["response"]["choices"][0]["message"].get("tool_calls") or [None]
    functions = {call and call["function"]["name"] for call in calls}
    return len(calls) == 1 and functions <= FUNCTIONS and len(line["request"]["messages"]) <= 2


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(url, timeout=5)
            return
        except httpx.TransportError:
            assert time.monotonic() < deadline, f"{url} does not answer"
            time.sleep(0.2)
