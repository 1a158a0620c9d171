from __future__ import annotations

from curation.models import Application, Query
from tests.training.learned import make_dataset
from training.selectors.dataset_examples import examples_page, queries_gone


def test_examples_are_found_by_a_part_of_their_text(application: Application) -> None:
    dataset = make_dataset(application, ["play Can", "play Blur", "hello"])
    assert [row.text for row in examples_page(dataset, text="PLAY b").rows] == ["play Blur"]


def test_queries_that_were_deleted_are_known(application: Application) -> None:
    dataset = make_dataset(application, ["play Can", "play Blur"])
    kept, deleted = dataset.examples.all()
    dataset.examples.filter(pk=kept.pk).update(query_id=Query.objects.latest("pk").pk)
    assert queries_gone(dataset.examples.all()) == {deleted.query_id}
