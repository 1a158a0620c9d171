"""The pages of the dashboard, found as a visitor finds them: by following links."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit

VARIANTS = 5
"""So many kinds of filters of one page are looked at."""
_NUMBER = re.compile(r"/(\d+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=/)")
_LEFT_OUT = re.compile(r"^/(admin|static|sign-out)/|/export")


def site_map(read: Callable[[str], str], *, parts: bool = False) -> dict[str, str]:
    """One address for each kind of page that links lead to from the overview, by its kind.

    Addresses are of a kind when they differ in keys of rows and values of filters only. `read` gives the HTML of an
    address; `parts` adds what htmx asks for within pages. The admin console and downloads are left out.
    """
    found: dict[str, str] = {}
    paths: Counter[str] = Counter()
    waiting = ["/"]
    while waiting:
        address = waiting.pop(0)
        kind = kind_of(address)
        path = kind.partition("?")[0]
        if kind in found or paths[path] >= VARIANTS or _LEFT_OUT.search(address):
            continue
        found[kind] = address
        paths[path] += 1
        waiting += links_in(read(address), address, parts)
    return found


def kind_of(address: str) -> str:
    """The address without keys of rows and values of filters: `/clusters/N/?function&status`."""
    parts = urlsplit(address)
    names = sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)})
    return _NUMBER.sub("/N", parts.path) + ("?" + "&".join(names) if names else "")


def links_in(html: str, base: str, parts: bool) -> list[str]:
    """The addresses on the same site that a page links to, in its order; with `parts`, htmx's too."""
    parser = _Links(parts)
    parser.feed(html)
    joined = [urldefrag(urljoin(base, link)).url for link in parser.links]
    return [link for link in joined if link.startswith("/")]


class _Links(HTMLParser):
    def __init__(self, parts: bool) -> None:
        super().__init__()
        self.links: list[str] = []
        self._parts = parts

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href") and "download" not in given:
            self.links.append(given["href"] or "")
        elif self._parts and given.get("hx-get"):
            self.links.append(given["hx-get"] or "")
