"""What the retention of an application would delete."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from curation.identifiers import first_id
from curation.models import Application, ForgottenUser, Query

COUNT_CAP = 10_000
SHOWN = 20


def purge_limit(application: Application) -> datetime | None:
    """Queries that arrived before this are too old; None where everything is kept."""
    if application.keep_days is None:
        return None
    return timezone.now() - timedelta(days=application.keep_days)


def count_older(application: Application, before: datetime) -> int:
    """How many queries arrived before a time; `COUNT_CAP` stands for that many or more."""
    return Query.objects.filter(application=application, id__lt=first_id(before)).order_by()[:COUNT_CAP].count()


def queries_of_user(application: Application, client_id: str) -> QuerySet[Query]:
    """What a user of an application has said."""
    return Query.objects.filter(application=application, client_id=client_id)


def count_of_user(application: Application, client_id: str) -> int:
    """How many queries a user has; `COUNT_CAP` stands for that many or more."""
    return queries_of_user(application, client_id).order_by()[:COUNT_CAP].count()


def deletions(application: Application) -> list[ForgottenUser]:
    """The newest deletions of users."""
    return list(ForgottenUser.objects.filter(application=application).select_related("asked_by")[:SHOWN])


def oldest_query(application: Application) -> datetime | None:
    """When the oldest query arrived that is still there."""
    queries = Query.objects.filter(application=application).order_by("id")
    return queries.values_list("arrived_at", flat=True).first()
