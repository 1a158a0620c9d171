"""The admin console's view of what was learned. History is shown, never edited; jobs start as actions."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from curation.admin import CappedPaginator, HistoryAdmin, SettingsAdmin
from curation.models import Application, Job
from curation.models.jobs import Trigger
from curation.services.jobs import job_cancel
from curation.tasks import start_clustering, start_purge, start_unanswered
from training.models import (
    Alias,
    ApiKey,
    AuditTally,
    Autopilot,
    AutopilotAction,
    Dataset,
    DatasetExample,
    DistillationRun,
    DriftReport,
    Evaluation,
    EvaluationExample,
    Judgement,
    Promotion,
    RoutingPolicy,
    Student,
    SwitchOff,
)
from training.services.datasets import dataset_approve
from training.services.keys import key_revoke
from training.services.runs import run_cancel
from training.starting import job_again, start_evaluation, start_run
from training.tasks import start_build, start_drift, start_live_evaluation


@admin.register(Application)
class ApplicationAdmin(SettingsAdmin):
    list_display = ["name", "slug", "keep_days", "created_at"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    filter_horizontal = ["members"]
    actions = ["label", "cluster", "build", "evaluate", "drift", "purge"]

    @admin.action(description="Ask the teacher about queries without an answer", permissions=["act"])
    def label(self, request: HttpRequest, queryset: QuerySet[Application]) -> None:
        def start(application: Application) -> str:
            job = start_unanswered(application=application, trigger=Trigger.ADMIN, user=request.user)  # type: ignore[arg-type]
            if job is None:
                return f"No query of {application} is without an answer."
            return f"The teacher of {application} is asked about {job.parameters['queries']:,} queries in a moment."

        self.each(request, queryset, start)

    @admin.action(description="Cluster the traffic", permissions=["act"])
    def cluster(self, request: HttpRequest, queryset: QuerySet[Application]) -> None:
        def start(application: Application) -> str:
            start_clustering(application=application, trigger=Trigger.ADMIN, user=request.user)  # type: ignore[arg-type]
            return f"The clustering of {application} waits for a worker."

        self.each(request, queryset, start)

    @admin.action(description="Build a dataset", permissions=["act"])
    def build(self, request: HttpRequest, queryset: QuerySet[Application]) -> None:
        def start(application: Application) -> str:
            start_build(application=application, trigger=Trigger.ADMIN, user=request.user)  # type: ignore[arg-type]
            return f"A dataset of {application} waits for a worker."

        self.each(request, queryset, start)

    @admin.action(description="Evaluate on live traffic", permissions=["act"])
    def evaluate(self, request: HttpRequest, queryset: QuerySet[Application]) -> None:
        def start(application: Application) -> str:
            start_live_evaluation(application=application, trigger=Trigger.ADMIN, user=request.user)  # type: ignore[arg-type]
            return f"The evaluation of {application} on live traffic waits for a worker."

        self.each(request, queryset, start)

    @admin.action(description="Look for drift", permissions=["act"])
    def drift(self, request: HttpRequest, queryset: QuerySet[Application]) -> None:
        def start(application: Application) -> str:
            start_drift(application=application, trigger=Trigger.ADMIN, user=request.user)  # type: ignore[arg-type]
            return f"The look for drift in the traffic of {application} waits for a worker."

        self.each(request, queryset, start)

    @admin.action(description="Delete old queries", permissions=["act"])
    def purge(self, request: HttpRequest, queryset: QuerySet[Application]) -> None:
        def start(application: Application) -> str:
            start_purge(application=application, trigger=Trigger.ADMIN, user=request.user)  # type: ignore[arg-type]
            return f"The deletion of old queries of {application} waits for a worker."

        self.each(request, queryset, start)


@admin.register(Job)
class JobAdmin(HistoryAdmin):
    list_display = ["__str__", "application", "state", "share", "trigger", "started_by", "created_at", "message"]
    list_filter = ["application", "kind", "state", "trigger"]
    list_select_related = ["application", "started_by"]
    search_fields = ["message"]
    date_hierarchy = "created_at"
    actions_permission = "curation.approve"
    actions = ["cancel", "again"]

    @admin.display(description="progress", ordering="progress")
    def share(self, job: Job) -> str:
        return f"{job.progress:.0%}"

    @admin.action(description="Cancel", permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        for job in queryset:
            job_cancel(job=job)
        messages.info(request, "The jobs were asked to stop.")

    @admin.action(description="Start again", permissions=["act"])
    def again(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        def start(job: Job) -> str:
            job_again(job=job, trigger=Trigger.ADMIN, user=request.user)  # type: ignore[arg-type]
            return f"{job.get_kind_display()}: it waits for a worker again."

        self.each(request, queryset.select_related("application"), start)


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
        def start(student: Student) -> str:
            start_evaluation(student=student, trigger=Trigger.ADMIN, user=request.user)  # type: ignore[arg-type]
            return f"{student} will be evaluated."

        self.each(request, queryset.select_related("application"), start)


@admin.register(Evaluation)
class EvaluationAdmin(LearnedAdmin):
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
    list_display = ["text", "evaluation", "function", "student_function", "confidence", "served_by", "agrees"]
    list_filter = ["evaluation", "agrees", "served_by"]
    list_select_related = ["evaluation__student", "evaluation__dataset"]
    ordering = ["-id"]
    paginator = CappedPaginator


@admin.register(Judgement)
class JudgementAdmin(LearnedAdmin):
    list_display = ["created_at", "example", "verdict", "judged_by", "undone_by"]
    list_filter = ["verdict"]
    list_select_related = ["example", "judged_by", "undone_by"]
    date_hierarchy = "created_at"


@admin.register(Alias)
class AliasAdmin(LearnedAdmin):
    list_display = ["name", "application", "student"]
    list_select_related = ["application", "student"]


@admin.register(Promotion)
class PromotionAdmin(LearnedAdmin):
    list_display = ["created_at", "application", "alias", "student", "previous", "promoted_by"]
    list_filter = ["application", "alias"]
    list_select_related = ["application", "student", "previous", "promoted_by"]
    date_hierarchy = "created_at"


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


@admin.register(DriftReport)
class DriftReportAdmin(LearnedAdmin):
    list_display = ["created_at", "application", "queries", "unknown", "raised"]
    list_filter = ["application"]
    list_select_related = ["application"]
    date_hierarchy = "created_at"

    @admin.display(ordering="unknown_share")
    def unknown(self, report: DriftReport) -> str:
        return "–" if report.unknown_share is None else f"{report.unknown_share:.1%}"

    @admin.display(description="alarms")
    def raised(self, report: DriftReport) -> int:
        return len(report.alarms)


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


@admin.register(Autopilot)
class AutopilotAdmin(LearnedAdmin):
    """Set on its page, where each change is written down."""

    list_display = ["application", "enabled", "left_to_people"]
    list_select_related = ["application"]


@admin.register(AutopilotAction)
class AutopilotActionAdmin(LearnedAdmin):
    list_display = ["created_at", "application", "step", "asks", "sentence", "user"]
    list_filter = ["application", "step", "asks"]
    list_select_related = ["application", "user"]
    date_hierarchy = "created_at"
