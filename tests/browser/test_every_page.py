"""Every page, however it is reached: readable for all, on every screen, without a call to another machine."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Scheme, Site, photograph, sign_in, window
from tests.site_map import site_map

pytestmark = pytest.mark.browser
AXE = {"rules": {"target-size": {"enabled": True}}}
"""All rules that are on by themselves, and the one of WCAG 2.2 AA that is not."""


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (360, "light"), (360, "dark")])
def test_a_page_is_accessible_and_fits_its_screen(
    busy_site: Site, browser: Browser, width: int, scheme: Scheme
) -> None:
    found: dict[str, list[str]] = {}
    with window(browser, width=width, scheme=scheme) as page:
        sign_in(busy_site, page)
        for path, address in pages_of(busy_site, page).items():
            page.goto(f"{busy_site.url}{address}")
            expect(page.locator("[data-figure]:not([data-drawn])")).to_have_count(0)
            photograph(page, f"{scheme}-{width}{re.sub(r'[^a-z]+', '-', path.lower()).rstrip('-')}")
            found[path] = [*violations(page), *overflow(page)]
    assert len(found) >= 30
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def pages_of(site: Site, page: Page) -> dict[str, str]:
    """An address of each page by its path, where `N` stands for keys, found with the session of the window."""

    def read(address: str) -> str:
        answer = page.request.get(f"{site.url}{address}")
        assert answer.ok, f"{address} answers {answer.status}"
        return answer.text() if answer.headers["content-type"].startswith("text/html") else ""

    found: dict[str, str] = {}
    for kind, address in site_map(read).items():
        found.setdefault(kind.partition("?")[0], address)
    return found


def violations(page: Page) -> list[str]:
    """What axe finds, with the first place of each."""
    found = Axe().run(page, options=AXE).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found]


def overflow(page: Page) -> list[str]:
    """Whether the page is wider than the window, and the widest elements that make it so."""
    wide = page.evaluate(
        """() => document.documentElement.scrollWidth <= innerWidth ? [] :
          [...document.querySelectorAll('main *')].filter((node) => node.getBoundingClientRect().right > innerWidth + 1)
          .slice(0, 3).map((node) => `too wide: ${node.outerHTML.slice(0, 120)}`)"""
    )
    return list(wide)


def test_a_page_can_be_used_without_javascript(busy_site: Site, browser: Browser) -> None:
    found: dict[str, list[str]] = {}
    with window(browser, script=False) as page:
        sign_in(busy_site, page)
        for path, address in pages_of(busy_site, page).items():
            page.goto(f"{busy_site.url}{address}")
            found[path] = unusable(page)
    assert len(found) >= 30
    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def unusable(page: Page) -> list[str]:
    """Forms that nothing submits, and controls that do nothing, where no script runs."""
    found = page.evaluate(
        """() => {
          const shown = (node) => node.checkVisibility({visibilityProperty: true});
          const submits = (form) => [...form.elements].some((one) => one.type === "submit" && shown(one));
          const idle = [...document.querySelectorAll("button[type=button], a:not([href])")].filter(shown);
          const stuck = [...document.forms].filter((form) => [...form.elements].some(shown) && !submits(form));
          return [...idle, ...stuck].map((node) => node.outerHTML.slice(0, 160));
        }"""
    )
    return list(found)
