"""An existing database keeps what it says when its schema moves on."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


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
