"""What the gateway knows of an application."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from curation.models import Application
from curation.services.applications import application_ensure, teacher_set
from training.models import RoutingPolicy
from training.selectors.snapshot import KeyEntry, PolicyEntry, TeacherEntry, read_snapshot
from training.services.keys import key_create
from training.services.policies import policy_of


def test_an_application_without_anything_goes_to_no_teacher_and_no_student(application: Application) -> None:
    entry = read_snapshot().applications[application.pk]
    assert (entry.slug, entry.teacher, entry.champion) == ("music", None, None)
    assert entry.policy == PolicyEntry(inline=True, allow_context=False)


def test_teacher_policy_and_keys_are_in_it(application: Application) -> None:
    teacher_set(application=application, base_url="http://127.0.0.1:1/v1/", model="large", api_key_env="KEY")
    policy_of(application)
    RoutingPolicy.objects.update(
        inline=False, switched_off=["play_music"], canary_share=0.1, shadow=True, audit_share=0.2
    )
    key, _ = key_create(application=application, requests_per_minute=30)
    snapshot = read_snapshot()
    entry = snapshot.applications[application.pk]
    assert entry.teacher == TeacherEntry("http://127.0.0.1:1/v1", "large", "KEY", 60.0)
    assert entry.policy == PolicyEntry(
        inline=False, switched_off=("play_music",), canary_share=0.1, shadow=True, audit_share=0.2
    )
    assert snapshot.keys[key.sha256] == KeyEntry(key.pk, application.pk, requests_per_minute=30)


@pytest.mark.django_db
def test_it_takes_the_same_few_queries_for_many_applications() -> None:
    for number in range(5):
        key_create(application=application_ensure(slug=f"application-{number}"))
    with CaptureQueriesContext(connection) as queries:
        assert len(read_snapshot().keys) == 5
    assert len(queries) == 7
