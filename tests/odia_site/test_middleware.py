from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from curation.models import Application, Job
from curation.models.jobs import JobKind, JobState, Trigger
from odia_site.middleware import COOKIE, zone_named


@pytest.mark.parametrize(
    "name", ["", "Nowhere/City", "../../etc/passwd", "/etc/passwd", "Europe", "x" * 500, "a\0b", "é"]
)
def test_a_name_that_is_no_zone_is_ignored(name: str) -> None:
    assert zone_named(name) is None


def test_times_are_shown_in_the_zone_of_the_browser(client_of: dict[str, Client], application: Application) -> None:
    job = Job.objects.create(application=application, kind=JobKind.CLUSTER, state=JobState.DONE, trigger=Trigger.PAGE)
    Job.objects.filter(pk=job.pk).update(created_at=datetime(2026, 3, 1, 23, 30, tzinfo=UTC))
    client = client_of["viewer"]
    assert "2026-03-01 23:30:00 (UTC)" in client.get(reverse("jobs")).content.decode()
    client.cookies[COOKIE] = "Asia%2FTokyo"
    text = client.get(reverse("jobs")).content.decode()
    assert "2026-03-02 08:30:00 (Asia/Tokyo)" in text
    assert "Times are in Asia/Tokyo" in text
    client.cookies[COOKIE] = "Nowhere%2FCity"
    assert "(UTC)" in client.get(reverse("jobs")).content.decode()


def test_one_viewers_zone_is_not_the_nexts(client_of: dict[str, Client]) -> None:
    client_of["viewer"].cookies[COOKIE] = "Asia%2FTokyo"
    client_of["viewer"].get(reverse("jobs"))
    assert "Times are in UTC" in client_of["reviewer"].get(reverse("jobs")).content.decode()
