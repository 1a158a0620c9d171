"""Applications, whose actions start jobs, and the jobs."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from curation.admin import HistoryAdmin, SettingsAdmin
from curation.errors import OdiaError
from curation.models import Application, Job
from curation.models.jobs import Trigger
from curation.models.labelling import LabelChoices
from curation.selectors.labelling import estimate
from curation.services.jobs import job_cancel
from curation.tasks import start_clustering, start_newest, start_purge
from training.starting import job_again, may_start
from training.tasks import start_build, start_drift, start_live_evaluation


@admin.register(Application)
class ApplicationAdmin(SettingsAdmin):
    application_path = "pk"
    list_display = ["name", "slug", "keep_days", "created_at"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    filter_horizontal = ["members"]
    actions = ["label", "cluster", "build", "evaluate", "drift", "purge"]

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("curation.approve")

    def has_administer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("curation.administer")

    @admin.action(description="Ask the teacher about queries without an answer", permissions=["approve"])
    def label(self, request: HttpRequest, queryset: QuerySet[Application]) -> None:
        def start(application: Application) -> str:
            job = start_newest(application=application, trigger=Trigger.ADMIN, user=request.user)  # type: ignore[arg-type]
            return f"The teacher of {application} is asked about {_takes(application, job)}."

        self.each(request, queryset, start)

    @admin.action(description="Cluster the traffic", permissions=["act"])
    def cluster(self, request: HttpRequest, queryset: QuerySet[Application]) -> None:
        self._start(request, queryset, start_clustering, "The clustering of")

    @admin.action(description="Build a dataset", permissions=["act"])
    def build(self, request: HttpRequest, queryset: QuerySet[Application]) -> None:
        self._start(request, queryset, start_build, "The building of a dataset of")

    @admin.action(description="Evaluate on live traffic", permissions=["approve"])
    def evaluate(self, request: HttpRequest, queryset: QuerySet[Application]) -> None:
        self._start(request, queryset, start_live_evaluation, "The evaluation on live traffic of")

    @admin.action(description="Look for drift", permissions=["act"])
    def drift(self, request: HttpRequest, queryset: QuerySet[Application]) -> None:
        self._start(request, queryset, start_drift, "The look for drift in the traffic of")

    @admin.action(description="Delete old queries", permissions=["administer"])
    def purge(self, request: HttpRequest, queryset: QuerySet[Application]) -> None:
        self._start(request, queryset, start_purge, "The deletion of old queries of")

    def _start(
        self, request: HttpRequest, queryset: QuerySet[Application], start: Callable[..., Job], what: str
    ) -> None:
        def started(application: Application) -> str:
            start(application=application, trigger=Trigger.ADMIN, user=request.user)
            return f"{what} {application} waits for a worker."

        self.each(request, queryset, started)


def _takes(application: Application, job: Job) -> str:
    """Of how many queries a labelling job is, and what it will take."""
    choices = LabelChoices.from_json(job.parameters)
    cost = estimate(application.teacher, choices)
    money = f" and {cost.money:,.2f} in money" if cost.money else ""
    return f"{choices.queries_in_words}: about {cost.tokens:,} tokens{money}"


@admin.register(Job)
class JobAdmin(HistoryAdmin):
    list_display = ["__str__", "application", "state", "share", "trigger", "started_by", "created_at", "message"]
    list_filter = ["application", "kind", "state", "trigger"]
    list_select_related = ["application", "started_by"]
    search_fields = ["message"]
    date_hierarchy = "created_at"
    actions = ["cancel", "again"]

    @admin.display(description="progress", ordering="progress")
    def share(self, job: Job) -> str:
        return f"{job.progress:.0%}"

    @admin.action(description="Cancel", permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        def stop(job: Job) -> str:
            job_cancel(job=job, user=request.user)  # type: ignore[arg-type]
            return f"{job.get_kind_display()}: {'stopped' if job.ended else 'it will stop shortly'}."

        self._each_allowed(request, queryset.select_related("application"), stop)

    @admin.action(description="Start again", permissions=["act"])
    def again(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        def start(job: Job) -> str:
            job_again(job=job, trigger=Trigger.ADMIN, user=request.user)  # type: ignore[arg-type]
            return f"{job.get_kind_display()}: it waits for a worker again."

        self._each_allowed(request, queryset.select_related("application"), start)

    def _each_allowed(self, request: HttpRequest, jobs: QuerySet[Job], act: Callable[[Job], str]) -> None:
        """Each kind of work takes its own permission, as on the page."""

        def act_if_allowed(job: Job) -> str:
            if not may_start(job=job, user=request.user):  # type: ignore[arg-type]
                raise OdiaError(f"{job.get_kind_display()}: your account may not start or stop it.")
            return act(job)

        self.each(request, jobs, act_if_allowed)
