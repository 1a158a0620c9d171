from curation.models.applications import Application, Teacher, TeacherSpending, ToolSetVersion
from curation.models.clusters import Cluster, Clustering, Pattern
from curation.models.forgotten import ForgottenUser
from curation.models.jobs import Job
from curation.models.labelling import Unusable
from curation.models.people import SignInFailure
from curation.models.reviews import Review
from curation.models.traffic import Query, RouterDecision, ShadowAnswer, TeacherCall, TrafficHour

__all__ = [
    "Application",
    "Cluster",
    "Clustering",
    "ForgottenUser",
    "Job",
    "Pattern",
    "Query",
    "Review",
    "RouterDecision",
    "ShadowAnswer",
    "SignInFailure",
    "Teacher",
    "TeacherCall",
    "TeacherSpending",
    "ToolSetVersion",
    "TrafficHour",
    "Unusable",
]
