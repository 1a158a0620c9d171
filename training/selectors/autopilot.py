"""What the autopilot knows of an application, and what it has written down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.utils import timezone

from curation.models import Application, Clustering, Job, Query, Review
from curation.models.jobs import JobKind, JobState
from curation.models.labelling import Scope
from curation.selectors.jobs import UNDER_WAY
from curation.selectors.tool_sets import offered_tool_sets
from training.models import (
    Autopilot,
    AutopilotAction,
    Dataset,
    DriftReport,
    Evaluation,
    RoutingPolicy,
    Student,
    SwitchOff,
)
from training.models.audits import WHOLE
from training.models.autopilot import AutopilotStep
from training.models.datasets import OWN_CHOICES
from training.models.promotions import AliasName
from training.selectors.aliases import aliases_of

LOOKED_AT = 50_000
"""The newest queries, among which those that no clustering has seen are counted."""
AGAIN_AFTER = timedelta(hours=1)
"""Until what failed, or what a budget stopped, is tried once more."""
ACTIONS_PER_PAGE = 30
IN_VAIN = "It could not be done:"
"""So the sentence goes on that says why a step failed."""
SWITCHED = "The autopilot is switched"
"""So the sentence begins that says who switched it on or off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A step as it stands: `due`, it is taken now; `asks`, a person decides; `waiting`, for what the sentence says.

    None of them: there is nothing to do. `subject` tells one question from another; `on` is what the step works on;
    `page` and `key` name the page where a person decides; `in_vain` is what the log says where the last try failed.
    """

    step: AutopilotStep
    sentence: str
    due: bool = False
    asks: bool = False
    waiting: bool = False
    subject: str = ""
    on: Any = None
    page: str = ""
    key: int | None = None
    in_vain: str = ""

    @property
    def needs_person(self) -> bool:
        return self.asks or bool(self.in_vain)

    @property
    def words(self) -> str:
        return self.in_vain or self.sentence

    def as_json(self) -> dict[str, Any]:
        return {
            "step": self.step.value,
            "due": self.due,
            "asks": self.needs_person,
            "waiting": self.waiting,
            "sentence": self.words,
        }


@dataclass
class Facts:
    """The truth of this moment; each thing is read once, when a step first needs it."""

    application: Application
    autopilot: Autopilot
    policy: RoutingPolicy

    @cached_property
    def kinds_under_way(self) -> set[str]:
        return set(self.application.jobs.filter(state__in=UNDER_WAY).values_list("kind", flat=True))

    @cached_property
    def newest_jobs(self) -> dict[str, Job]:
        """The newest job of each kind."""
        rows = self.application.jobs.order_by("kind", "-id").distinct("kind")
        return {job.kind: job for job in rows}

    @cached_property
    def clustering(self) -> Clustering | None:
        return self.application.clusterings.first()

    @cached_property
    def tool_sets(self) -> set[int]:
        """The keys of those that are offered now; none where no query came with tools."""
        return offered_tool_sets(self.application)

    def has_other_tools(self, made: Student | Dataset) -> bool:
        """Whether it was made for tools that are not offered any more."""
        return bool(self.tool_sets) and made.tool_set_id not in self.tool_sets

    @cached_property
    def dataset(self) -> Dataset | None:
        """The newest; what a person built with choices of their own is theirs to go on with."""
        return self.application.datasets.exclude(OWN_CHOICES).first()

    @cached_property
    def student(self) -> Student | None:
        """The newest."""
        return self.application.students.select_related("application", "dataset", "run", "tool_set").first()

    @cached_property
    def aliases(self) -> dict[str, Student]:
        return aliases_of(self.application)

    @property
    def champion(self) -> Student | None:
        return self.aliases.get(AliasName.CHAMPION)

    @property
    def challenger(self) -> Student | None:
        return self.aliases.get(AliasName.CHALLENGER)

    @cached_property
    def candidate(self) -> Student | None:
        """The newest student, if it came after the champion and never was champion or challenger: each is tried once,
        so that what a person took back stays so."""
        if self.student is None or self.student.promotions.exists():
            return None
        return self.student if self.champion is None or self.student.pk > self.champion.pk else None

    @cached_property
    def switched_off(self) -> list[SwitchOff]:
        """What audits keep out of service of the students that meet traffic."""
        students = [student.pk for student in self.aliases.values()]
        return list(SwitchOff.objects.filter(student__in=students, lifted_at=None).select_related("student"))

    @cached_property
    def drift(self) -> DriftReport | None:
        return self.application.drift_reports.first()

    def alarm_since(self, moment: datetime, *kinds: str) -> str:
        """What the latest look for drift raised an alarm about, if that was after the moment."""
        if self.drift is None or self.drift.created_at <= moment:
            return ""
        return " ".join(alarm["sentence"] for alarm in self.drift.alarms if alarm["kind"] in kinds)

    def off_as_a_whole(self, student: Student) -> SwitchOff | None:
        found = (off for off in self.switched_off if off.student_id == student.pk and off.function == WHOLE)
        return next(found, None)

    def out_of_service(self, student: Student) -> str:
        """Why a student cannot do its work any more, in a sentence; empty if it can."""
        off = self.off_as_a_whole(student)
        if off:
            return f"Audits have switched {student} off: {off.reason}"
        if self.has_other_tools(student):
            return f"The application offers other tools now than {student} was trained on."
        return ""

    @cached_property
    def evaluation(self) -> Evaluation | None:
        """The candidate's, on its own dataset."""
        return self.candidate.latest_evaluation if self.candidate else None

    @cached_property
    def newest_actions(self) -> dict[str, AutopilotAction]:
        """The newest line in the log of each step."""
        rows = self.application.autopilot_actions.order_by("step", "-id").distinct("step")
        return {action.step: action for action in rows}

    def in_vain(self, proposal: Proposal) -> str:
        """What the log says where the last try at this very step could not be done; empty otherwise."""
        last = self.newest_actions.get(proposal.step)
        if last is None or last.subject != proposal.subject or IN_VAIN not in last.sentence:
            return ""
        return last.sentence

    def asked(self, step: AutopilotStep) -> dict[str, datetime]:
        """What was asked about at this step so far, and when."""
        rows = AutopilotAction.objects.filter(application=self.application, asks=True, step=step)
        return dict(rows.order_by("id").values_list("subject", "created_at"))


def autopilot_of(application: Application) -> Autopilot:
    """The application's autopilot; before it was ever set, one that is off, with the defaults."""
    return Autopilot.objects.filter(application=application).first() or Autopilot(application=application)


def ended_of_late(job: Job | None) -> bool:
    return job is not None and job.finished_at is not None and job.finished_at > timezone.now() - AGAIN_AFTER


def failed_of_late(job: Job | None) -> bool:
    """Whether a job failed, or was cancelled, within the last hour."""
    if job is None or job.state not in (JobState.FAILED, JobState.CANCELLED):
        return False
    return (job.finished_at or job.created_at) > timezone.now() - AGAIN_AFTER


def unclustered(application: Application, most: int) -> int:
    """How many of the newest queries with an answer no clustering has seen; counts up to `most`."""
    newest = Query.objects.filter(application=application).order_by("-id").values_list("id", flat=True)
    oldest = newest[LOOKED_AT - 1 : LOOKED_AT].first()
    rows = Query.objects.filter(application=application, labelled=True, pattern=None, excluded=False, context=[])
    return (rows.filter(id__gte=oldest) if oldest else rows).order_by("-id")[:most].count()


def decided_since(application: Application, moment: datetime) -> Review | None:
    """The newest decision about a cluster or a call after a moment."""
    return Review.objects.filter(application=application, created_at__gt=moment).first()


def decided_by_a_person(application: Application, moment: datetime) -> bool:
    """Whether somebody has decided something since."""
    rows = Review.objects.filter(application=application, created_at__gt=moment)
    return rows.exclude(reviewer=None).exists()


def labelled_since(application: Application, moment: datetime) -> int:
    """How many queries got their answer from labelling since."""
    jobs = application.jobs.filter(kind=JobKind.LABEL, state=JobState.DONE, finished_at__gt=moment)
    return sum(job.result["answered"] for job in jobs if job.parameters["scope"] != Scope.AGAIN)


@dataclass(frozen=True, slots=True)
class ActionPage:
    """Some of the log, the newest first; `before` continues it, None at its end."""

    rows: list[AutopilotAction]
    before: int | None


def actions_page(application: Application, before: int = 0) -> ActionPage:
    """The log before the key `before`; 0: from its newest row."""
    rows = application.autopilot_actions.select_related("job", "user")
    found = list((rows.filter(pk__lt=before) if before else rows)[: ACTIONS_PER_PAGE + 1])
    shown = found[:ACTIONS_PER_PAGE]
    return ActionPage(shown, shown[-1].pk if len(found) > ACTIONS_PER_PAGE else None)


def last_switched(application: Application) -> AutopilotAction | None:
    """Who switched it on or off last."""
    return application.autopilot_actions.filter(step="", sentence__startswith=SWITCHED).select_related("user").first()


def last_done(application: Application) -> AutopilotAction | None:
    """The last thing that it did itself."""
    return application.autopilot_actions.filter(asks=False, user=None).first()
