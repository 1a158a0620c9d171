"""The admin console's view of what was learned. History is shown, never edited; jobs start as actions."""

from __future__ import annotations

from functools import partial

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from curation.admin import HistoryAdmin
from curation.errors import OdiaError
from curation.models.jobs import JobKind, Trigger
from curation.services.jobs import job_create, job_hand_over
from training import tasks
from training.models import (
    Alias,
    ApiKey,
    AuditTally,
    Dataset,
    DistillationRun,
    Evaluation,
    Promotion,
    RoutingPolicy,
    Student,
    SwitchOff,
)
from training.services.datasets import dataset_approve
from training.services.keys import key_revoke
from training.services.runs import run_cancel, run_create


class LearnedAdmin(HistoryAdmin):
    """What came out of the loop: viewers may look, approvers may use the actions."""

    actions_permission = "curation.approve"


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
        for dataset in queryset:
            try:
                dataset_approve(dataset=dataset, user=request.user)  # type: ignore[arg-type]
                messages.success(request, f"Dataset {dataset.version} is approved.")
            except OdiaError as error:
                messages.error(request, str(error))

    @admin.action(description="Distil a student", permissions=["act"])
    def distil(self, request: HttpRequest, queryset: QuerySet[Dataset]) -> None:
        for dataset in queryset.select_related("application"):
            try:
                run = run_create(dataset=dataset, trigger=Trigger.ADMIN, user=request.user)  # type: ignore[arg-type]
                job_hand_over(job=run.job, send=partial(tasks.distil.delay_on_commit, run.pk))  # type: ignore[attr-defined]
            except OdiaError as error:
                messages.error(request, str(error))
                continue
            messages.success(request, f"Run {run.pk} waits for the trainer.")


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
            run_cancel(run=run)
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
        for student in queryset.select_related("application"):
            try:
                job = job_create(
                    application=student.application,
                    kind=JobKind.EVALUATE,
                    trigger=Trigger.ADMIN,
                    user=request.user,  # type: ignore[arg-type]
                    parameters={"student": student.pk},
                )
                job_hand_over(job=job, send=partial(tasks.evaluate.delay_on_commit, job.pk))  # type: ignore[attr-defined]
            except OdiaError as error:
                messages.error(request, str(error))
                continue
            messages.success(request, f"{student} will be evaluated.")


@admin.register(Evaluation)
class EvaluationAdmin(LearnedAdmin):
    list_display = ["student", "dataset", "coverage", "disagreement", "created_at"]
    list_filter = ["student__application"]
    list_select_related = ["student", "dataset"]
    exclude = ["curve"]

    @admin.display
    def coverage(self, evaluation: Evaluation) -> str:
        return f"{evaluation.figures['coverage']:.1%}"

    @admin.display
    def disagreement(self, evaluation: Evaluation) -> str:
        share = evaluation.figures["disagreement_inline"]
        return "–" if share is None else f"{share:.2%}"


@admin.register(Alias)
class AliasAdmin(LearnedAdmin):
    list_display = ["name", "application", "student"]
    list_select_related = ["application", "student"]


@admin.register(Promotion)
class PromotionAdmin(LearnedAdmin):
    list_display = ["created_at", "application", "alias", "student", "previous", "promoted_by"]
    list_filter = ["application", "alias"]
    list_select_related = ["application", "student", "previous", "promoted_by"]


@admin.register(AuditTally)
class AuditTallyAdmin(LearnedAdmin):
    list_display = ["student", "what", "audited", "disagreed"]
    list_filter = ["student__application"]
    list_select_related = ["student"]
    ordering = ["-student", "function"]

    @admin.display(description="function", ordering="function")
    def what(self, tally: AuditTally) -> str:
        return tally.function or "all in service"


@admin.register(SwitchOff)
class SwitchOffAdmin(LearnedAdmin):
    list_display = ["created_at", "application", "student", "what", "reason", "lifted_at", "lifted_by"]
    list_filter = ["application"]
    list_select_related = ["application", "student", "lifted_by"]

    @admin.display(description="function", ordering="function")
    def what(self, switch_off: SwitchOff) -> str:
        return switch_off.function or "everything"


@admin.register(ApiKey)
class ApiKeyAdmin(LearnedAdmin):
    list_display = ["prefix", "label", "application", "requests_per_minute", "created_at", "last_used_at", "revoked_at"]
    list_filter = ["application"]
    list_select_related = ["application"]
    exclude = ["sha256"]
    actions_permission = "curation.administer"
    actions = ["revoke"]

    @admin.action(description="Revoke", permissions=["act"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset:
            key_revoke(key=key)
        messages.success(request, "The keys stop working within two seconds.")


@admin.register(RoutingPolicy)
class RoutingPolicyAdmin(LearnedAdmin):
    list_display = ["application", "inline", "epsilon", "function_epsilon", "audit_share", "canary_share", "shadow"]
    list_select_related = ["application"]
    readonly_fields = ["application", "canary_share", "shadow"]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("curation.administer")
