"""Two ways to work with a page: with the mouse, and with keys only."""

from __future__ import annotations

import re
from typing import Protocol

from playwright.sync_api import Locator, Page, expect

MOST_TABS = 60


class Hand(Protocol):
    """What an operator does; each step is over when the page has answered."""

    page: Page

    def go(self, name: str) -> None:
        """To one of the pages in the navigation."""

    def do(self, name: str, key: str) -> None:
        """Press the visible button whose name begins so, or the key that stands on it."""

    def open_row(self, number: int = 1) -> None:
        """Follow the link of a row of the list, counted from 1."""

    def select_row(self, number: int) -> None:
        """Tick a row of the list."""

    def search(self, text: str) -> None:
        """Look for a text in the list."""

    def follow(self, name: str) -> None:
        """Follow a link of the page that no key stands for."""

    def choose(self, label: str, option: str) -> None:
        """Choose from a list of choices."""

    def send(self, label: str, text: str, button: str) -> None:
        """Fill in a field and send its form."""


class Mouse:
    def __init__(self, page: Page) -> None:
        self.page = page

    def go(self, name: str) -> None:
        self.page.get_by_role("navigation", name="Pages").get_by_role("link", name=name, exact=True).click()
        settle(self.page)

    def do(self, name: str, key: str) -> None:
        begins = re.compile(f"^\\s*{re.escape(name)}")
        at = f'[data-key="{key}"]'
        shown = self.page.locator(f"main {at}:not(details), main details{at} > summary").filter(has_text=begins)
        shown.locator("visible=true").first.click()
        settle(self.page)

    def open_row(self, number: int = 1) -> None:
        _link(self._row(number)).click()
        settle(self.page)

    def select_row(self, number: int) -> None:
        self._row(number).locator("input[type=checkbox]").check()

    def search(self, text: str) -> None:
        self.page.locator("main [data-key='/']").fill(text)
        _found(self.page, text)

    def follow(self, name: str) -> None:
        _links(self.page, name).click()
        settle(self.page)

    def choose(self, label: str, option: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(option)
        settle(self.page)

    def send(self, label: str, text: str, button: str) -> None:
        self.page.get_by_label(label, exact=True).fill(text)
        self.page.get_by_role("button", name=button).click()
        settle(self.page)

    def _row(self, number: int) -> Locator:
        return self.page.locator("main [data-row]").nth(number - 1)


class Keys:
    def __init__(self, page: Page) -> None:
        self.page = page

    def go(self, name: str) -> None:
        link = self.page.get_by_role("navigation", name="Pages").get_by_role("link", name=name, exact=True)
        letter = link.get_attribute("data-go")
        assert letter, f"no key goes to {name}"
        self._press("g", letter)

    def do(self, name: str, key: str) -> None:
        self._press(key)

    def open_row(self, number: int = 1) -> None:
        self._move_to(number)
        self._press("Enter")

    def select_row(self, number: int) -> None:
        self._move_to(number)
        self._press("x")

    def search(self, text: str) -> None:
        self._press("/")
        self.page.keyboard.type(text)
        _found(self.page, text)
        self._press("Escape")

    def follow(self, name: str) -> None:
        self._tab_to(_links(self.page, name))
        self._press("Enter")

    def choose(self, label: str, option: str) -> None:
        self._tab_to(self.page.get_by_label(label, exact=True))
        self.page.keyboard.type(option)
        settle(self.page)

    def send(self, label: str, text: str, button: str) -> None:
        self._tab_to(self.page.get_by_label(label, exact=True))
        self._press("Control+a", "Delete")
        self.page.keyboard.type(text)
        self._press("Enter")

    def _tab_to(self, place: Locator) -> None:
        for _ in range(MOST_TABS):
            if place.evaluate("(node) => node === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"no way to {place} with the tab key")

    def _move_to(self, number: int) -> None:
        """With `k` to the first row, and on with `j`."""
        rows = self.page.locator("main [data-row]").count()
        self._press("j", *["k"] * rows, *["j"] * (number - 1))

    def _press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        settle(self.page)


def settle(page: Page) -> None:
    """Wait until no page is on its way and htmx asks for nothing."""
    page.wait_for_timeout(60)
    page.wait_for_load_state()
    expect(page.locator(".htmx-request, .htmx-swapping, .htmx-settling, [aria-busy=true]")).to_have_count(0)


def _found(page: Page, text: str) -> None:
    """Wait until the address says what is looked for, and the list holds it."""
    expect(page).to_have_url(re.compile(re.escape(text)))
    settle(page)


def _links(page: Page, name: str) -> Locator:
    return page.locator("main").get_by_role("link", name=name, exact=True)


def _link(row: Locator) -> Locator:
    return row.locator("a[href]").first
