"""`manage.py label`: what it would take, and what came of it."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from curation.models import Application, Job, Query
from curation.models.jobs import JobState, Trigger
from tests.curation.traffic import make_query
from tests.moody_teacher import MoodyTeacher


def label(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("label", "--application=music", "--json", *arguments, stdout=out, stderr=StringIO())
    found: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return found


def test_it_asks_and_tells_what_came_of_it(application: Application, moody: MoodyTeacher) -> None:
    for number in range(3):
        make_query(application, f"play {number}", answered=False)
    result = label("--limit=2")
    assert {name: result[name] for name in ("queries", "requests", "answered", "left")} == {
        "queries": 2,
        "requests": 2,
        "answered": 2,
        "left": 0,
    }
    job = Job.objects.get()
    assert (job.state, job.trigger) == (JobState.DONE, Trigger.COMMAND)


def test_a_dry_run_asks_nothing(application: Application, moody: MoodyTeacher) -> None:
    make_query(application, "play Can", answered=False)
    result = label("--dry-run")
    assert (result["queries"], result["within_budget"], result["estimated_tokens"] > 0) == (1, True, True)
    assert (moody.bodies, Job.objects.exists()) == ([], False)


def test_where_nothing_is_missing_nothing_is_done(application: Application, moody: MoodyTeacher) -> None:
    assert label() == {"queries": 0, "requests": 0}


def test_a_wrong_key_is_told_before_anything_starts(application: Application, moody: MoodyTeacher) -> None:
    make_query(application, "play Can", answered=False)
    moody.status = 401
    with pytest.raises(CommandError, match=r"Nothing was started\. The teacher refuses the key"):
        label()
    assert not Query.objects.filter(labelled=True).exists()


@pytest.mark.parametrize("limit", ["0", "-1", "x", "100001"])
def test_a_wrong_number_is_a_wrong_usage(application: Application, limit: str) -> None:
    with pytest.raises(CommandError):
        label(f"--limit={limit}")
