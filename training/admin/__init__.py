"""The admin console's view of what was learned. History is shown, never edited; jobs start as actions."""

from training.admin.base import LearnedAdmin
from training.admin.jobs import ApplicationAdmin, JobAdmin
from training.admin.learning import (
    DatasetAdmin,
    DatasetExampleAdmin,
    DistillationRunAdmin,
    EvaluationAdmin,
    EvaluationExampleAdmin,
    JudgementAdmin,
    StudentAdmin,
)
from training.admin.service import AliasAdmin, AuditTallyAdmin, DriftReportAdmin, PromotionAdmin, SwitchOffAdmin
from training.admin.settings import ApiKeyAdmin, AutopilotActionAdmin, AutopilotAdmin, RoutingPolicyAdmin

__all__ = [
    "AliasAdmin",
    "ApiKeyAdmin",
    "ApplicationAdmin",
    "AuditTallyAdmin",
    "AutopilotActionAdmin",
    "AutopilotAdmin",
    "DatasetAdmin",
    "DatasetExampleAdmin",
    "DistillationRunAdmin",
    "DriftReportAdmin",
    "EvaluationAdmin",
    "EvaluationExampleAdmin",
    "JobAdmin",
    "JudgementAdmin",
    "LearnedAdmin",
    "PromotionAdmin",
    "RoutingPolicyAdmin",
    "StudentAdmin",
    "SwitchOffAdmin",
]
