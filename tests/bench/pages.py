"""How long the pages of the dashboard take, one after the other: median and 90th percentile, in milliseconds.

    python -m tests.bench.pages [--queries 200000] [--clusters 300] [--rounds 20]
    python -m tests.bench.pages --url http://127.0.0.1:8000 --user admin --password PASSWORD

Without an address, a whole ODIA is started (`manage.py up --no-sample`) and filled with so many queries. Pages are
found by following links from the overview, one for each kind of page and of filter; each is asked for by itself, as a
signed-in administrator without JavaScript, and measured from the request to the last byte of its HTML.

The exit status is 1 where a page's median is over 100 ms.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import numpy as np

from tests.bench.stand import folder_for_odia
from tests.running import running_odia
from tests.site_map import site_map

AIM_MS = 100.0
WARM_UPS = 2


def main() -> int:
    parser = argparse.ArgumentParser(description="How long the pages of the dashboard take.")
    parser.add_argument("--url", default="", help="of a running dashboard; empty: start one and fill it")
    parser.add_argument("--user", default="admin")
    parser.add_argument("--password", default="")
    parser.add_argument("--queries", type=int, default=200_000)
    parser.add_argument("--clusters", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    if options.url:
        return measure(options.url, options.user, options.password, options.rounds)
    with filled_odia(options.queries, options.clusters) as (url, password):
        return measure(url, options.user, password, options.rounds)


@contextmanager
def filled_odia(queries: int, clusters: int) -> Iterator[tuple[str, str]]:
    """The address and the administrator's password of an ODIA with so much traffic."""
    with folder_for_odia() as folder, running_odia(folder / "var") as odia:
        os.environ |= {"ODIA_DATA_DIR": str(odia.data_dir), "DJANGO_SETTINGS_MODULE": "odia_site.settings"}
        started = time.perf_counter()
        _fill(queries, clusters)
        print(f"filled with {queries:,} queries in {time.perf_counter() - started:.0f} s", flush=True)
        password = odia.printed["Sign"].partition("password ")[2].split()[0]
        yield odia.printed["Dashboard"].rstrip("/"), password


def _fill(queries: int, clusters: int) -> None:
    import django

    django.setup()
    from curation.services.applications import application_ensure
    from tests.busy import fill

    fill(application_ensure(slug="busy"), queries=queries, clusters=clusters, learned=20)


def measure(url: str, user: str, password: str, rounds: int) -> int:
    """Print a line for each page; returns the exit status."""
    with httpx.Client(base_url=url, timeout=60) as client:
        sign_in(client, user, password)
        pages = site_map(lambda address: _html(client, address), parts=True)
        times = {kind: _times(client, address, rounds) for kind, address in pages.items()}
    print(f"{'median':>8} {'p90':>8}  page")
    for kind in sorted(times, key=lambda kind: -float(np.median(times[kind]))):
        print(f"{np.median(times[kind]):8.1f} {np.quantile(times[kind], 0.9):8.1f}  {kind}")
    slow = [kind for kind, each in times.items() if np.median(each) > AIM_MS]
    print(f"{len(times)} kinds of pages, {len(slow)} of them over {AIM_MS:.0f} ms at the median")
    return 1 if slow else 0


def sign_in(client: httpx.Client, user: str, password: str) -> None:
    page = client.get("/sign-in/").text
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found, "the sign-in page has no form"
    form = {"csrfmiddlewaretoken": found[1], "username": user, "password": password}
    answer = client.post("/sign-in/", data=form)
    if answer.status_code != 302:
        sys.exit("Signing in failed: give --user and --password.")


def _html(client: httpx.Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, f"{address} answered {answer.status_code}"
    return answer.text if answer.headers["content-type"].startswith("text/html") else ""


def _times(client: httpx.Client, address: str, rounds: int) -> list[float]:
    """Milliseconds of each round, the first ones left out."""
    times = []
    for _ in range(WARM_UPS + rounds):
        started = time.perf_counter()
        client.get(address)
        times.append((time.perf_counter() - started) * 1000)
    return times[WARM_UPS:]


if __name__ == "__main__":
    sys.exit(main())
