"""An evaluation whose disagreements are about queries that exist."""

from __future__ import annotations

from uuid import UUID

from curation.identifiers import new_id
from curation.ml.calls import Call
from curation.models import Application, Query
from tests.curation.traffic import make_cluster, make_clustering, make_query
from tests.training.learned import make_dataset, make_evaluation, make_student
from training.models import Evaluation, EvaluationExample
from training.models.datasets import ExampleRoute


def play(artist: str) -> Call:
    return Call("play", {"artist": artist})


def make_repeats(application: Application) -> list[Query]:
    """Twice the same query with the same reference call, once another, all of one pattern."""
    texts = ("play can by can", "Play Can by Can", "play blur")
    calls = (play("can by can"), play("can by can"), play("blur"))
    queries = [
        make_query(application, text, call, minute=at) for at, (text, call) in enumerate(zip(texts, calls, strict=True))
    ]
    make_cluster(make_clustering(application), "play {artist}", queries)
    return [Query.objects.get(pk=query.pk) for query in queries]


def empty_evaluation(application: Application) -> Evaluation:
    evaluation = make_evaluation(make_student(make_dataset(application, ["play Can", "play Blur"])))
    evaluation.examples.all().delete()
    return evaluation


def add_example(
    evaluation: Evaluation,
    reference: Call | None,
    answer: Call | None,
    *,
    query: Query | None = None,
    query_id: UUID | None = None,
    confidence: float = 0.95,
    served_by: str = "student",
    weight: int = 1,
) -> EvaluationExample:
    """One test example; without a query, its query was deleted. It agrees where the calls are equal."""
    return EvaluationExample.objects.create(
        evaluation=evaluation,
        query_id=query.pk if query else query_id or new_id(),
        text=query.text if query else "play what is gone",
        route=ExampleRoute.SIMPLE,
        weight=weight,
        function=reference.name if reference else "",
        arguments=reference.arguments if reference else {},
        student_function=answer.name if answer else "",
        student_arguments=answer.arguments if answer else {},
        confidence=confidence,
        served_by=served_by,
        agrees=reference == answer,
    )
