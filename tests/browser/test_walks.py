"""Each page's main path, walked with the mouse and with keys only, in light and dark, on a wide and a narrow screen.

Each walk leaves things as they were: what it decides it also takes back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Scheme, Site, photograph, sign_in, window
from tests.browser.hands import Hand, Keys, Mouse

pytestmark = pytest.mark.browser
WAYS: list[tuple[type[Mouse] | type[Keys], int, Scheme]] = [
    (Mouse, 1440, "light"),
    (Keys, 1440, "dark"),
    (Keys, 360, "light"),
    (Mouse, 360, "dark"),
]
"""Every hand meets both widths and both schemes, and every width both schemes."""


@pytest.fixture(scope="module", params=WAYS, ids=lambda way: f"{way[0].__name__}-{way[1]}-{way[2]}")
def way(request: pytest.FixtureRequest, busy_site: Site, browser: Browser) -> Iterator[Hand]:
    hand, width, scheme = request.param
    with window(browser, width=width, scheme=scheme) as page:
        sign_in(busy_site, page)
        yield hand(page)


@pytest.fixture
def hand(way: Hand, busy_site: Site) -> Hand:
    way.page.goto(busy_site.url)
    return way


@pytest.fixture
def keep(request: pytest.FixtureRequest, hand: Hand) -> Iterator[None]:
    """Keeps how the page looked in the end."""
    yield
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).rstrip("-")
    photograph(hand.page, f"walk-{name}")


def test_a_query_is_found_excluded_and_taken_back_in(hand: Hand, keep: None) -> None:
    page = hand.page
    hand.go("Traffic")
    hand.search("lamp")
    expect(page.locator("main [data-row]").first).to_contain_text("lamp")
    hand.open_row(2)
    expect(page.locator("#query .utterance")).to_contain_text("lamp")
    hand.do("Exclude from datasets", "E")
    expect(page.locator("#query")).to_contain_text("Excluded from datasets")
    hand.do("Undo", "u")
    expect(page.get_by_role("button", name="Exclude from datasets")).to_be_visible()


def test_the_neighbours_of_a_query_stay_inside_the_filter(hand: Hand) -> None:
    page = hand.page
    hand.go("Traffic")
    hand.search("kitchen")
    hand.open_row(1)
    first = page.locator("#query .utterance").inner_text()
    hand.do("Older", "j")
    expect(page.locator("#query .utterance")).not_to_have_text(first)
    expect(page.locator("#query .utterance")).to_contain_text("kitchen")
    page.go_back()
    expect(page.locator("#query .utterance")).to_have_text(first)


def test_a_call_is_corrected_in_a_form_made_from_its_tool(hand: Hand, keep: None) -> None:
    page = hand.page
    hand.go("Traffic")
    page.goto(f"{page.url}?function=function_3")
    hand.open_row(3)
    hand.do("Correct the call", "e")
    hand.send("artist", "Nina Simone", "Correct the call")
    expect(page.locator("#query")).to_contain_text("Corrected call")
    expect(page.locator("#query")).to_contain_text('artist="Nina Simone"')
    hand.do("Undo", "u")
    expect(page.locator("#query").get_by_role("heading", name="Teacher’s call")).to_be_visible()


def test_a_decision_on_a_cluster_leads_to_the_next_and_is_taken_back(hand: Hand, keep: None) -> None:
    page = hand.page
    hand.go("Clusters")
    page.goto(f"{page.url}?status=proposed")
    hand.open_row(1)
    decided = page.locator("h1").inner_text()
    hand.do("Approve", "a")
    expect(page.locator("h1")).not_to_have_text(decided)
    hand.do("Reject", "r")
    hand.do("Undo", "u")
    hand.do("Undo", "u")
    hand.go("Clusters")
    page.goto(f"{page.url}?status=proposed")
    expect(page.locator("main [data-row]").first).to_contain_text(decided)


def test_selected_clusters_are_decided_together(hand: Hand) -> None:
    page = hand.page
    hand.go("Clusters")
    page.goto(f"{page.url}?status=proposed")
    hand.select_row(1)
    hand.select_row(3)
    hand.do("Approve", "a")
    expect(page.locator("#messages")).to_contain_text("2 clusters")
    hand.do("Undo", "u")
    expect(page.locator("#messages")).to_contain_text(re.compile("taken back|undone", re.IGNORECASE))


@pytest.mark.parametrize("name", ["Datasets", "Runs"])
def test_two_rows_are_compared(hand: Hand, keep: None, name: str) -> None:
    hand.go(name)
    hand.select_row(1)
    hand.select_row(2)
    hand.do("Compare", "c")
    expect(hand.page).to_have_url(re.compile(r"/compare/\?"))
    expect(hand.page.locator("main table").first).to_be_visible()


def test_the_threshold_moves_and_a_disagreement_is_judged(hand: Hand, keep: None) -> None:
    page = hand.page
    hand.go("Evaluations")
    hand.open_row(1)
    slider = page.locator("#place")
    slider.focus()
    before = page.locator("[data-reading=coverage]").first.inner_text()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-reading=coverage]").first).not_to_have_text(before)
    hand.do("Judge disagreements", "d")
    case = page.locator("#case").inner_text()
    hand.do("Student", "1")
    expect(page.locator("#case")).not_to_have_text(case)
    hand.do("Take back", "u")
    expect(page.locator("#messages")).to_contain_text(re.compile("taken back", re.IGNORECASE))


def test_a_student_shows_where_it_comes_from(hand: Hand, keep: None) -> None:
    page = hand.page
    hand.go("Students")
    hand.open_row(1)
    expect(page.get_by_role("heading", name="Checks of a promotion")).to_be_visible()
    expect(page.get_by_role("heading", name="Where it comes from")).to_be_visible()
    hand.do("Make challenger", "c")
    expect(page.locator("#messages .message.error")).to_contain_text("challenger")


def test_what_needs_a_person_is_one_step_from_the_overview(hand: Hand, keep: None) -> None:
    hand.go("Overview")
    hand.do("30 days", "4")
    expect(hand.page).to_have_url(re.compile("days=30"))
    named = hand.page.locator("main [data-row] a").first.inner_text()
    hand.open_row(1)
    expect(hand.page).not_to_have_url(re.compile("days=30"))
    expect(hand.page.locator("main")).to_contain_text(named)


def test_jobs_are_narrowed_to_a_state(hand: Hand, keep: None) -> None:
    hand.go("Jobs")
    expect(hand.page.locator("main")).to_contain_text("Cluster the traffic #")
    hand.choose("State", "Failed")
    expect(hand.page).to_have_url(re.compile("state=failed"))
    expect(hand.page.locator("main")).not_to_contain_text("Cluster the traffic #")


def test_a_setting_is_saved(hand: Hand, keep: None) -> None:
    hand.go("Settings")
    hand.follow("Retention")
    for days in ("3650", ""):
        hand.send("Days kept", days, "Save")
        expect(hand.page.locator("#messages")).to_contain_text("Saved")
        expect(hand.page.get_by_label("Days kept", exact=True)).to_have_value(days)


def test_the_playground_shows_what_becomes_of_an_utterance(hand: Hand, keep: None) -> None:
    hand.go("Playground")
    hand.send("Utterance", "play Can", "Try it")
    expect(hand.page.locator("#trial .utterance")).to_have_text("play Can")
    expect(hand.page.locator("#trial")).to_contain_text("the teacher answers")


def test_keys_are_shown_and_are_dead_in_text_fields(hand: Hand) -> None:
    page = hand.page
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    hand.go("Traffic")
    page.locator("main [data-key='/']").focus()
    page.keyboard.type("gc?")
    expect(page.locator("main [data-key='/']")).to_have_value("gc?")
    assert page.url.partition("?")[0].endswith("/traffic/")
