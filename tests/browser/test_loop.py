"""An operator's way through the loop: from raw traffic to a student that answers inline."""

from __future__ import annotations

import json
import re
import time

import pytest
from openai import AuthenticationError, OpenAI
from playwright.sync_api import Page, expect

from curation.sample.tools import TOOLS
from tests.browser.conftest import APPLICATION, Site, photograph, sign_in

MINUTES = 60_000
pytestmark = pytest.mark.browser


def test_an_operator_brings_a_student_into_service(site: Site, page: Page) -> None:
    sign_in(site, page)
    allow_more_disagreement(site, page)
    cluster_the_traffic(site, page)
    approve_clusters(site, page)
    build_and_approve_a_dataset(site, page)
    distil_a_student(site, page)
    promote_it(site, page)
    ask_the_playground(site, page)
    page.goto(f"{site.url}/")
    photograph(page, "overview")
    a_client_is_answered_inline(site)


def allow_more_disagreement(site: Site, page: Page) -> None:
    """So small a traffic could never certify the usual 2%."""
    page.goto(f"{site.url}/settings/policy/")
    page.get_by_label("Disagreement allowed", exact=True).fill("0.1")
    page.get_by_role("button", name="Save").click()
    photograph(page, "policy")


def cluster_the_traffic(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/clusters/")
    photograph(page, "clusters-none")
    page.get_by_role("button", name="Cluster the traffic").click()
    page.goto(f"{site.url}/jobs/")
    photograph(page, "jobs")
    expect(page.get_by_role("row").filter(has_text="Cluster the traffic")).to_contain_text("Done", timeout=3 * MINUTES)
    page.goto(f"{site.url}/clusters/")
    photograph(page, "clusters")


def approve_clusters(site: Site, page: Page) -> None:
    """The first with the mouse, the others with a key; each decision leads to the next, the last to the list."""
    page.goto(f"{site.url}/clusters/")
    page.locator("table a[href*='/clusters/']").first.click()
    photograph(page, "cluster")
    with page.expect_navigation():
        page.get_by_role("button", name="Approve").click()
    while re.search(r"/clusters/\d+/", page.url):
        with page.expect_navigation():
            page.keyboard.press("a")
    page.goto(f"{site.url}/clusters/?status=approved")
    photograph(page, "clusters-approved")


def build_and_approve_a_dataset(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/datasets/")
    page.get_by_role("button", name="Build dataset").click()
    page.wait_for_url(re.compile(r"/datasets/\d+/"))
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("link", name="Start a run")).to_be_visible()
    photograph(page, "dataset")


def distil_a_student(site: Site, page: Page) -> None:
    page.get_by_role("link", name="Start a run").click()
    page.get_by_label("Layers").fill("2")
    page.get_by_label("Epochs").fill("8")
    photograph(page, "run-start")
    page.get_by_role("button", name=re.compile("^Start")).click()
    page.wait_for_url(re.compile(r"/runs/\d+/"))
    photograph(page, "run-begun")
    expect(page.locator(".badge", has_text="Done")).to_be_visible(timeout=6 * MINUTES)
    page.reload()
    photograph(page, "run")


def promote_it(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/evaluations/")
    page.locator("table a[href*='/evaluations/']").first.click()
    photograph(page, "evaluation")
    page.goto(f"{site.url}/students/")
    photograph(page, "students")
    page.locator("table a[href*='/students/']").first.click()
    photograph(page, "student-checks")
    page.get_by_role("button", name="Promote").click()
    expect(page.get_by_role("button", name="Roll back")).to_be_visible()
    photograph(page, "student")


def ask_the_playground(site: Site, page: Page) -> None:
    page.goto(f"{site.url}/playground/")
    page.get_by_role("textbox").last.fill("play something by adele")
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("heading", name="Step by step")).to_be_visible(timeout=MINUTES)
    photograph(page, "playground")


def a_client_is_answered_inline(site: Site) -> None:
    """The official client works unchanged, and at least one everyday wish does not go to the teacher."""
    key = json.loads(site.odia.manage("create_key", "--application", APPLICATION, "--json").splitlines()[-1])["key"]
    client = OpenAI(base_url=site.gateway, api_key=key)
    wait_until_known(client)
    routes = set()
    for wish in ("next", "pause", "stop the music", "louder", "play some jazz", "next song please"):
        answer = client.chat.completions.with_raw_response.create(
            model="odia",
            messages=[{"role": "user", "content": wish}],
            tools=TOOLS,  # type: ignore[arg-type]
        )
        assert answer.parse().choices[0].message
        routes.add(answer.headers["x-odia-route"])
    assert routes & {"memo", "student"}, routes


def wait_until_known(client: OpenAI) -> None:
    """A gateway hears of a new key, and of a promotion, within two seconds."""
    deadline = time.monotonic() + 30
    while True:
        try:
            client.models.list()
            return
        except AuthenticationError:
            assert time.monotonic() < deadline, "the gateway never heard of the key"
            time.sleep(0.2)
