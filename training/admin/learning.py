"""Datasets, runs, students, evaluations: history, with the jobs that go on from it."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from curation.admin import CappedPaginator
from curation.models.jobs import Trigger
from training.admin.base import LearnedAdmin
from training.models import (
    Dataset,
    DatasetExample,
    DistillationRun,
    Evaluation,
    EvaluationExample,
    Judgement,
    Student,
)
from training.services.datasets import dataset_approve
from training.services.runs import run_cancel
from training.starting import start_evaluation, start_run


@admin.register(Dataset)
class DatasetAdmin(LearnedAdmin):
    list_display = ["__str__", "application", "status", "selected", "built_by", "approved_by", "created_at"]
    list_filter = ["application", "status"]
    list_select_related = ["application", "built_by", "approved_by"]
    actions = ["approve", "distil"]

    @admin.display(description="examples")
    def selected(self, dataset: Dataset) -> int:
        return int(dataset.funnel["selected"])

    @admin.action(description="Approve", permissions=["act"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Dataset]) -> None:
        def accept(dataset: Dataset) -> str:
            dataset_approve(dataset=dataset, user=request.user)  # type: ignore[arg-type]
            return f"Dataset {dataset.version} is approved."

        self.each(request, queryset, accept)

    @admin.action(description="Distil a student", permissions=["act"])
    def distil(self, request: HttpRequest, queryset: QuerySet[Dataset]) -> None:
        def start(dataset: Dataset) -> str:
            run = start_run(dataset=dataset, trigger=Trigger.ADMIN, user=request.user)  # type: ignore[arg-type]
            return f"Run {run.pk} waits for the trainer."

        self.each(request, queryset.select_related("application"), start)


@admin.register(DatasetExample)
class DatasetExampleAdmin(LearnedAdmin):
    application_path = "dataset__application"
    list_display = ["text", "dataset", "split", "route", "function", "weight"]
    list_filter = ["dataset", "split", "route"]
    list_select_related = ["dataset"]
    ordering = ["-id"]
    paginator = CappedPaginator


@admin.register(DistillationRun)
class DistillationRunAdmin(LearnedAdmin):
    list_display = ["__str__", "application", "dataset", "family", "state", "progress", "created_at"]
    list_filter = ["application", "job__state", "family"]
    list_select_related = ["application", "dataset", "job"]
    exclude = ["curve"]
    actions = ["cancel"]

    @admin.display(ordering="job__state")
    def state(self, run: DistillationRun) -> str:
        return run.job.get_state_display()

    @admin.display(ordering="job__progress")
    def progress(self, run: DistillationRun) -> str:
        return f"{run.job.progress:.0%}"

    @admin.action(description="Cancel", permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[DistillationRun]) -> None:
        for run in queryset.select_related("job"):
            run_cancel(run=run, user=request.user)  # type: ignore[arg-type]
        messages.info(request, "The runs were asked to stop.")


@admin.register(Student)
class StudentAdmin(LearnedAdmin):
    list_display = ["version", "application", "dataset", "threshold", "certified_bound", "created_at"]
    list_filter = ["application", "family"]
    list_select_related = ["application", "dataset"]
    search_fields = ["version"]
    actions = ["evaluate"]

    @admin.action(description="Evaluate", permissions=["act"])
    def evaluate(self, request: HttpRequest, queryset: QuerySet[Student]) -> None:
        def start(student: Student) -> str:
            start_evaluation(student=student, trigger=Trigger.ADMIN, user=request.user)  # type: ignore[arg-type]
            return f"{student} will be evaluated."

        self.each(request, queryset.select_related("application"), start)


@admin.register(Evaluation)
class EvaluationAdmin(LearnedAdmin):
    application_path = "student__application"
    list_display = ["student", "on", "coverage", "disagreement", "worse", "created_at"]
    list_filter = ["student__application"]
    list_select_related = ["student", "dataset"]
    exclude = ["curve"]

    @admin.display(ordering="dataset")
    def on(self, evaluation: Evaluation) -> str:
        return str(evaluation.dataset or "live traffic")

    @admin.display(description="worse functions")
    def worse(self, evaluation: Evaluation) -> int:
        return len(evaluation.regressions)

    @admin.display
    def coverage(self, evaluation: Evaluation) -> str:
        return f"{evaluation.figures['coverage']:.1%}"

    @admin.display
    def disagreement(self, evaluation: Evaluation) -> str:
        share = evaluation.figures["disagreement_inline"]
        return "–" if share is None else f"{share:.2%}"


@admin.register(EvaluationExample)
class EvaluationExampleAdmin(LearnedAdmin):
    application_path = "evaluation__student__application"
    list_display = ["text", "evaluation", "function", "student_function", "confidence", "served_by", "agrees"]
    list_filter = ["evaluation", "agrees", "served_by"]
    list_select_related = ["evaluation__student", "evaluation__dataset"]
    ordering = ["-id"]
    paginator = CappedPaginator


@admin.register(Judgement)
class JudgementAdmin(LearnedAdmin):
    application_path = "example__evaluation__student__application"
    list_display = ["created_at", "example", "verdict", "judged_by", "undone_by"]
    list_filter = ["verdict"]
    list_select_related = ["example", "judged_by", "undone_by"]
    date_hierarchy = "created_at"
