"""Which rows the audit trail is made of, and by which time and person each kind is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import Group, User
from django.db.models import CharField, Q, QuerySet
from django.db.models.functions import Cast

from curation.models import Application, ForgottenUser, Job, Review, Teacher
from curation.models.jobs import Trigger
from training.models import ApiKey, AutopilotAction, Judgement, Promotion, RoutingPolicy, SwitchOff
from training.selectors.trail_events import (
    Event,
    autopilot_event,
    deletion_event,
    job_cancelled_event,
    job_event,
    judgement_event,
    judgement_undone_event,
    key_event,
    promotion_event,
    review_event,
    setting_event,
    switched_off_event,
    turned_on_event,
    type_of,
)


class Source(NamedTuple):
    """A kind of row: which, by which time, whose, and what it tells. Without `user` no person is behind it."""

    name: str
    kind: str
    rows: Callable[[Application], QuerySet[Any]]
    time: str
    user: str
    event: Callable[[Any], Event]


def _logged(application: Application) -> QuerySet[LogEntry]:
    """About this application, its teacher, policy, keys and jobs, and about users and groups, who are the site's."""
    of = {Teacher: "application", RoutingPolicy: "application", ApiKey: "application"}
    whose = Q(content_type__in=[type_of(User), type_of(Group)])
    whose |= Q(content_type=type_of(Application), object_id=str(application.pk))
    whose |= Q(change_message__contains=f'"application": {application.pk},')
    for model, name in of.items():
        keys = model._default_manager.filter(**{name: application}).annotate(text=Cast("pk", CharField()))
        whose |= Q(content_type=type_of(model), object_id__in=keys.values("text"))
    return LogEntry.objects.filter(whose).select_related("user", "content_type")


def _unlogged_keys(application: Application) -> QuerySet[ApiKey]:
    """Those made by the command: of the others, the log says who made them."""
    logged = LogEntry.objects.filter(content_type=type_of(ApiKey), action_flag=ADDITION).values("object_id")
    keys = ApiKey.objects.filter(application=application).annotate(text=Cast("pk", CharField()))
    return keys.exclude(text__in=logged)


def _judgements(application: Application) -> QuerySet[Judgement]:
    rows = Judgement.objects.filter(example__evaluation__student__application=application)
    return rows.select_related("example", "judged_by", "undone_by")


def _offs(application: Application) -> QuerySet[SwitchOff]:
    return SwitchOff.objects.filter(application=application).select_related("student", "lifted_by")


def _started(application: Application) -> QuerySet[Job]:
    """All but those that the autopilot started: it tells of them itself."""
    jobs = Job.objects.filter(application=application).exclude(trigger=Trigger.AUTOPILOT)
    return jobs.select_related("started_by")


SOURCES = (
    Source(
        "review",
        "reviews",
        lambda application: Review.objects.filter(application=application).select_related("reviewer", "cluster"),
        "created_at",
        "reviewer",
        review_event,
    ),
    Source("verdict", "verdicts", _judgements, "created_at", "judged_by", judgement_event),
    Source(
        "verdict undone",
        "verdicts",
        lambda application: _judgements(application).filter(undone_at__isnull=False),
        "undone_at",
        "undone_by",
        judgement_undone_event,
    ),
    Source(
        "promotion",
        "students",
        lambda application: Promotion.objects.filter(application=application).select_related(
            "student", "previous", "promoted_by"
        ),
        "created_at",
        "promoted_by",
        promotion_event,
    ),
    Source("switch-off", "switch-offs", _offs, "created_at", "", switched_off_event),
    Source(
        "turned on",
        "switch-offs",
        lambda application: _offs(application).filter(lifted_at__isnull=False),
        "lifted_at",
        "lifted_by",
        turned_on_event,
    ),
    Source(
        "job",
        "jobs",
        _started,
        "created_at",
        "started_by",
        job_event,
    ),
    Source(
        "job cancelled",
        "jobs",
        lambda application: _logged(application).filter(content_type=type_of(Job)),
        "action_time",
        "user",
        job_cancelled_event,
    ),
    Source(
        "autopilot",
        "autopilot",
        lambda application: AutopilotAction.objects.filter(application=application).select_related("user"),
        "created_at",
        "user",
        autopilot_event,
    ),
    Source("key", "keys", _unlogged_keys, "created_at", "", key_event),
    Source(
        "key setting",
        "keys",
        lambda application: _logged(application).filter(content_type=type_of(ApiKey)),
        "action_time",
        "user",
        setting_event,
    ),
    Source(
        "setting",
        "settings",
        lambda application: _logged(application).exclude(content_type__in=[type_of(ApiKey), type_of(Job)]),
        "action_time",
        "user",
        setting_event,
    ),
    Source(
        "deletion",
        "deletions",
        lambda application: ForgottenUser.objects.filter(application=application).select_related("asked_by"),
        "until",
        "asked_by",
        deletion_event,
    ),
)
