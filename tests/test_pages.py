"""What holds for every page, however it is reached: all can be reached, and none asks the database without bound."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from curation.models import Application
from tests.busy import fill
from tests.site_map import site_map

MOST_QUERIES = 30
"""Of the database, for one page; the sessions' and the user's included."""


@pytest.fixture
def read(application: Application, client_of: dict[str, Client]) -> Callable[[str], str]:
    """How an administrator sees a page of an application with some of everything."""
    fill(application, queries=400, clusters=30, learned=3)

    def read(address: str) -> str:
        answer = client_of["administrator"].get(address)
        assert answer.status_code == 200, f"{address} answers {answer.status_code}"
        return answer.content.decode() if answer["Content-Type"].startswith("text/html") else ""

    return read


def test_the_work_of_the_database_does_not_grow_with_the_data(
    application: Application, read: Callable[[str], str]
) -> None:
    pages = site_map(read, parts=True)
    before = {kind: database_queries(read, address) for kind, address in pages.items()}
    fill(application, queries=1200, clusters=90, learned=6)
    after = {kind: database_queries(read, address) for kind, address in pages.items()}
    assert len(pages) > 30
    assert {kind: count for kind, count in after.items() if count > before[kind]} == {}
    assert {kind: count for kind, count in after.items() if count > MOST_QUERIES} == {}


def database_queries(read: Callable[[str], str], address: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        read(address)
    return len(queries)
