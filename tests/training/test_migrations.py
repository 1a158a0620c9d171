"""An existing database keeps what it says when its schema moves on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from curation.models import Application, TrafficHour
from tests.training.learned import make_dataset, make_student
from training.models import AuditTally, SwitchOff
from training.services.switch_offs import audit_count


@pytest.mark.django_db(transaction=True)
def test_what_was_counted_by_a_closer_look_speaks_no_more_against_a_whole_student(application: Application) -> None:
    student = make_student(make_dataset(application, ["play Can"]))
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    try:
        executor.migrate([("training", "0011_autopilot")])
        before = executor.loader.project_state([("training", "0011_autopilot")]).apps
        tallies = before.get_model("training", "AuditTally").objects
        tallies.create(student_id=student.pk, function="", audited=300, disagreed=12)
        tallies.create(student_id=student.pk, function="play_music", audited=200, disagreed=11)
    finally:
        MigrationExecutor(connection).migrate(newest)
    assert list(AuditTally.objects.values_list("function", "audited", "disagreed")) == [("play_music", 200, 11)]
    while not SwitchOff.objects.exists():
        audit_count(student=student, function="play_music", agrees=False, picked=True)
    assert AuditTally.objects.get(function="").audited == 0, "it takes along only what was counted since"


@pytest.mark.django_db(transaction=True)
def test_the_audits_of_old_hours_are_shown_as_they_were(application: Application) -> None:
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    before = [("curation", "0011_unusable_answers")]
    try:
        executor.migrate(before)
        hours = executor.loader.project_state(before).apps.get_model("curation", "TrafficHour").objects
        key = {"application_id": application.pk, "hour": datetime(2026, 3, 1, 9, tzinfo=UTC), "route": "student"}
        hours.create(**key, audited=9, disagreed=2)
    finally:
        MigrationExecutor(connection).migrate(newest)
    assert TrafficHour.objects.values_list("audited", "picked", "picked_disagreed").get() == (9, 9, 2)


@pytest.mark.django_db(transaction=True)
def test_a_limit_of_simplicity_keeps_its_meaning() -> None:
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    try:
        executor.migrate([("training", "0002_causal_family")])
        before = executor.loader.project_state([("training", "0002_causal_family")]).apps
        application = before.get_model("curation", "Application").objects.create(slug="shop", name="Shop")
        policy = before.get_model("training", "RoutingPolicy").objects.create(application=application)
        assert policy.approve_simplicity == 0.6
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(newest)
    after = executor.loader.project_state(newest).apps
    assert after.get_model("training", "RoutingPolicy").objects.get(pk=policy.pk).approve_simplicity == 0.77
