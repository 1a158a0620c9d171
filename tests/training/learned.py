"""Rows as a finished loop leaves them: a dataset, a run, a student, its evaluation."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from curation.identifiers import new_id
from curation.models import Application, Job, Query, ToolSetVersion
from curation.models.jobs import JobKind, JobState, Trigger
from curation.models.traffic import Source
from curation.services.applications import tool_set_ensure
from curation.services.partitions import ensure_partitions
from training.models import Dataset, DatasetExample, DistillationRun, Evaluation, EvaluationExample, Student
from training.models.datasets import DatasetStatus, ExampleRoute, Split

TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {"type": "object", "properties": {parameter: {"type": "string"}}},
        },
    }
    for name, parameter in (("play_music", "artist"), ("set_alarm", "time"))
]


def offered_tools(application: Application) -> ToolSetVersion:
    """A tool set and a query that came with it: the one that the application offers now."""
    tool_set = tool_set_ensure(application=application, tools=TOOLS)
    ensure_partitions([timezone.now()])
    Query.objects.create(
        application=application, tool_set=tool_set, text="play Can", source=Source.IMPORT, arrived_at=timezone.now()
    )
    return tool_set


def make_dataset(application: Application, texts: list[str], status: DatasetStatus = DatasetStatus.APPROVED) -> Dataset:
    """Each text is an example in turn of the three splits that plays the artist it names; "hello" calls nothing."""
    version = application.datasets.count() + 1
    dataset = Dataset.objects.create(
        application=application,
        version=version,
        tool_set=offered_tools(application),
        status=status,
        sha256=f"{version:064x}",
        funnel={"received": 90, "in approved clusters": 60, "usable": 50, "distinct": 40, "selected": len(texts)},
        balance={"train": {"play_music": 4, "(No call)": 1}, "calibration": {"play_music": 2}, "test": {}},
    )
    splits = [Split.TRAIN, Split.CALIBRATION, Split.TEST]
    DatasetExample.objects.bulk_create(_example(dataset, text, splits[place % 3]) for place, text in enumerate(texts))
    return dataset


def _example(dataset: Dataset, text: str, split: Split) -> DatasetExample:
    calls = text != "hello"
    return DatasetExample(
        dataset=dataset,
        split=split,
        route=ExampleRoute.SIMPLE if calls else ExampleRoute.NO_CALL,
        query_id=new_id(),
        text=text,
        function="play_music" if calls else "",
        arguments={"artist": text.removeprefix("play ")} if calls else {},
        weight=2,
    )


def make_run(dataset: Dataset, state: JobState = JobState.DONE, **job: Any) -> DistillationRun:
    parameters = {"number": DistillationRun.objects.count()}
    created = Job.objects.create(
        application=dataset.application,
        kind=JobKind.DISTIL,
        parameters=parameters,
        state=state,
        trigger=Trigger.PAGE,
        **job,
    )
    return DistillationRun.objects.create(
        application=dataset.application,
        dataset=dataset,
        job=created,
        config={"layers": 2, "epochs": 5, "seed": 7},
        curve=[{"step": 1.0, "loss": 2.0, "answer_accuracy": 0.1}, {"step": 9.0, "loss": 0.5, "answer_accuracy": 0.9}],
        log="epoch 1\nepoch 2",
    )


def make_student(dataset: Dataset, threshold: float | None = 0.9) -> Student:
    number = Student.objects.count() + 1
    return Student.objects.create(
        application=dataset.application,
        version=f"{dataset.application.slug}-encoder-{number}",
        family="encoder",
        run=make_run(dataset),
        dataset=dataset,
        tool_set=dataset.tool_set,
        artifact="file:///nowhere",
        manifest_sha256="0" * 64,
        epsilon=0.02,
        threshold=threshold,
        certified_bound=None if threshold is None else 0.015,
        report={
            "train_seconds": 9.0,
            "peak_memory_mb": 500.0,
            "artifact_mb": 14.0,
            "train_examples": 40,
            "calibration_examples": 20,
            "memo_size": 3,
        },
    )


def make_evaluation(student: Student, disagreements: int = 2) -> Evaluation:
    """Of 200 examples 160 were answered inline; the listed disagreements come besides one that was held back."""
    evaluation = Evaluation.objects.create(
        student=student,
        dataset=student.dataset,
        threshold=student.threshold,
        figures={
            "test_examples": 200,
            "exact_match": 0.9,
            "function_accuracy": 0.95,
            "coverage": 0.8,
            "covered_by_memo": 0.2,
            "disagreement_inline": 0.0125,
            "disagreement_inline_upper_bound": 0.019,
            "disagreement_all": 0.01,
            "no_call": {"answered_with_call": 0.05, "refused_or_no_call": 0.95},
            "latency_ms": {"p50": 3.0, "p90": 4.0, "p99": 6.0},
        },
        curve=[
            {"threshold": 0.99, "coverage": 0.4, "disagreement": 0.005, "upper_bound": 0.012},
            {"threshold": 0.9, "coverage": 0.8, "disagreement": 0.0125, "upper_bound": 0.019},
            {"threshold": 0.5, "coverage": 0.95, "disagreement": 0.06, "upper_bound": 0.08},
        ],
        per_function=[
            {
                "function": name,
                "examples": 30,
                "exact_match": share,
                "coverage": 0.7,
                "disagreement_inline": 0.01,
            }
            for name, share in ((None, 0.5), ("play_music", 0.9))
        ],
        system_latency={
            "without": {"mean": 1500.0, "p50": 1400.0, "p90": 2500.0},
            "with": {"mean": 300.0, "p50": 3.0, "p90": 2300.0},
        },
    )
    rows = [_disagreement(evaluation, f"play number {place}", 0.99 - place / 1000) for place in range(disagreements)]
    held_back = _disagreement(evaluation, "play what was held back", 0.3)
    held_back.served_by = ""
    EvaluationExample.objects.bulk_create([*rows, held_back])
    return evaluation


def _disagreement(evaluation: Evaluation, text: str, confidence: float) -> EvaluationExample:
    return EvaluationExample(
        evaluation=evaluation,
        query_id=new_id(),
        text=text,
        route=ExampleRoute.SIMPLE,
        weight=1,
        function="play_music",
        arguments={"artist": "Can"},
        student_function="play_music",
        student_arguments={"artist": "Cannibal"},
        confidence=confidence,
        served_by="student",
        agrees=False,
    )
