from training.models.audits import AuditTally, SwitchOff
from training.models.autopilot import Autopilot, AutopilotAction
from training.models.datasets import Dataset, DatasetExample
from training.models.drift import DriftReport
from training.models.evaluations import Evaluation, EvaluationExample, Judgement
from training.models.keys import ApiKey
from training.models.policies import RoutingPolicy
from training.models.promotions import Alias, Promotion
from training.models.students import DistillationRun, Student

__all__ = [
    "Alias",
    "ApiKey",
    "AuditTally",
    "Autopilot",
    "AutopilotAction",
    "Dataset",
    "DatasetExample",
    "DistillationRun",
    "DriftReport",
    "Evaluation",
    "EvaluationExample",
    "Judgement",
    "Promotion",
    "RoutingPolicy",
    "Student",
    "SwitchOff",
]
