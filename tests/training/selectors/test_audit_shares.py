"""Which share of the inline answers was audited when a query arrived."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.utils import timezone

from curation.identifiers import new_id
from curation.models import Application
from tests.training.inline import audit_share_set
from training.models import RoutingPolicy
from training.selectors.audit_shares import AuditShares, audit_shares
from training.selectors.trail_events import type_of
from training.services.policies import policy_of

NOW = timezone.now()


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def shares_of(application: Application) -> AuditShares:
    return audit_shares(policy_of(application))


def change(application: Application, share: float, user: User, at: datetime) -> None:
    audit_share_set(application, share, user)
    LogEntry.objects.filter(pk=LogEntry.objects.latest("pk").pk).update(action_time=at)


def test_each_query_goes_by_the_share_of_its_time_but_never_by_more_than_is_audited_now(
    application: Application, users: dict[str, User]
) -> None:
    user = users["administrator"]
    change(application, 0.5, user, days_ago(6))
    change(application, 0.1, user, days_ago(4))
    change(application, 0.2, user, days_ago(2))
    shares = shares_of(application)
    found = [shares.at(new_id(days_ago(days))) for days in (7, 5, 3, 1)]
    assert found == [pytest.approx(share) for share in (0.05, 0.2, 0.1, 0.2)]


def test_where_no_change_is_recorded_the_share_was_always_that_of_now(
    application: Application, users: dict[str, User]
) -> None:
    assert shares_of(application).at(new_id(days_ago(9))) == pytest.approx(0.05)
    RoutingPolicy.objects.update(audit_share=0.3)
    assert shares_of(application).at(new_id(days_ago(9))) == pytest.approx(0.3)


def test_other_settings_and_the_policies_of_others_say_nothing_of_it(
    application: Application, users: dict[str, User]
) -> None:
    policy = policy_of(application)
    other = '[{"changed": {"application": 2, "before": {"audit_share": 0.4}, "after": {"audit_share": 0.5}}}]'
    setting = other.replace("audit_share", "epsilon")
    console = '[{"changed": {"fields": ["audit_share"]}}]'
    for pk, message in ((policy.pk, setting), (policy.pk, console), (policy.pk + 1, other)):
        LogEntry.objects.create(
            user=users["administrator"],
            content_type=type_of(RoutingPolicy),
            object_id=str(pk),
            action_flag=CHANGE,
            change_message=message,
        )
    RoutingPolicy.objects.update(audit_share=0.9)
    assert shares_of(application).at(new_id(days_ago(9))) == pytest.approx(0.9)
