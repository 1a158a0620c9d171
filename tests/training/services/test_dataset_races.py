"""Two people at once: of two decisions that exclude each other, one is told that it came too late."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection

from curation.errors import OdiaError
from curation.models.jobs import Trigger
from curation.services.applications import application_ensure
from tests.training.learned import make_dataset
from tests.training.services.conftest import put_into_clusters, send, traffic
from training.models import Dataset
from training.models.build_choices import BuildChoices
from training.models.datasets import DatasetStatus
from training.services.datasets import dataset_approval_undo, dataset_approve, dataset_build
from training.services.runs import run_create

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*actions: Callable[[], object]) -> list[str]:
    """What each of the actions, begun at the same time, raised; empty where it went well."""
    begin = threading.Barrier(len(actions))
    said: list[str] = []

    def act(action: Callable[[], object]) -> None:
        begin.wait()
        try:
            action()
            said.append("")
        except OdiaError as error:
            said.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=[action]) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(said)


@pytest.fixture
def dataset() -> Dataset:
    return make_dataset(application_ensure(slug="races"), ["play Can", "play Blur"], DatasetStatus.DRAFT)


def test_of_two_approvals_one_counts(dataset: Dataset) -> None:
    first, second = at_once(*[lambda: dataset_approve(dataset=dataset)] * 2)
    assert first == "" and "is approved already" in second
    dataset.refresh_from_db()
    assert [item["what"] for item in dataset.history] == ["approved"]


def test_two_builds_get_two_versions() -> None:
    application = application_ensure(slug="races")
    send(application, traffic())
    put_into_clusters(application, approved={"play_artist", "pause"})
    limits = [40, 60]
    said = at_once(*[partial(dataset_build, application=application, choices=BuildChoices(one)) for one in limits])
    assert said == ["", ""]
    datasets = Dataset.objects.order_by("version")
    assert [dataset.version for dataset in datasets] == [1, 2]
    assert sorted(dataset.examples.count() for dataset in datasets) == limits


def test_a_run_never_learns_from_a_draft(dataset: Dataset) -> None:
    for _ in range(5):
        dataset_approve(dataset=dataset)
        said = at_once(
            lambda: dataset_approval_undo(dataset=dataset),
            lambda: run_create(dataset=dataset, trigger=Trigger.COMMAND),
        )
        dataset.refresh_from_db()
        assert said[0] == "" and said[1] != ""
        assert dataset.runs.exists() == (dataset.status == DatasetStatus.APPROVED)
        if dataset.runs.exists():
            return
