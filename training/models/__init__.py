from training.models.audits import AuditTally, SwitchOff
from training.models.datasets import Dataset, DatasetExample
from training.models.evaluations import Evaluation, EvaluationExample, Judgement
from training.models.keys import ApiKey
from training.models.policies import RoutingPolicy
from training.models.promotions import Alias, Promotion
from training.models.students import DistillationRun, Student

__all__ = [
    "Alias",
    "ApiKey",
    "AuditTally",
    "Dataset",
    "DatasetExample",
    "DistillationRun",
    "Evaluation",
    "EvaluationExample",
    "Judgement",
    "Promotion",
    "RoutingPolicy",
    "Student",
    "SwitchOff",
]
