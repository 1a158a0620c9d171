"""The admin console's view of curation. History is shown, never edited; jobs start as actions."""

from curation.admin.base import ActsAdmin, CappedPaginator, HistoryAdmin, SettingsAdmin
from curation.admin.clusters import ClusterAdmin, ClusteringAdmin, PatternAdmin, ReviewAdmin
from curation.admin.people import ForgottenUserAdmin, GroupAdmin, SignInFailureAdmin, UserAdmin
from curation.admin.schedule import CrontabAdmin, IntervalAdmin, PeriodicTaskAdmin
from curation.admin.settings import TeacherAdmin, TeacherSpendingAdmin, ToolSetVersionAdmin, UnusableAdmin
from curation.admin.traffic import (
    QueryAdmin,
    RouterDecisionAdmin,
    ShadowAnswerAdmin,
    TeacherCallAdmin,
    TrafficHourAdmin,
)

__all__ = [
    "ActsAdmin",
    "CappedPaginator",
    "ClusterAdmin",
    "ClusteringAdmin",
    "CrontabAdmin",
    "ForgottenUserAdmin",
    "GroupAdmin",
    "HistoryAdmin",
    "IntervalAdmin",
    "PatternAdmin",
    "PeriodicTaskAdmin",
    "QueryAdmin",
    "ReviewAdmin",
    "RouterDecisionAdmin",
    "SettingsAdmin",
    "ShadowAnswerAdmin",
    "SignInFailureAdmin",
    "TeacherAdmin",
    "TeacherCallAdmin",
    "TeacherSpendingAdmin",
    "ToolSetVersionAdmin",
    "TrafficHourAdmin",
    "UnusableAdmin",
    "UserAdmin",
]
