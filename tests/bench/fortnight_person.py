"""Who answers what the autopilot asks in `fortnight`: someone who knows what is simple, ten times a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curation.sample.reading import read_request

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from curation.models import Cluster
    from training.models import AutopilotAction

MOST_IN_A_DAY = 10
LOOKED_AT = 50
MOSTLY = 0.9


class Person:
    """Approves a cluster whose requests are simple wishes, and rejects the others; leaves all else as it is."""

    def __init__(self) -> None:
        from django.contrib.auth.models import User

        self.user: User = User.objects.create_user("person")

    def answer(self, question: AutopilotAction) -> str:
        """What was decided, in a word."""
        from curation.models import Cluster
        from curation.models.reviews import Decision
        from curation.services.cluster_reviews import cluster_decide
        from training.models.autopilot import AutopilotStep

        if question.step != AutopilotStep.APPROVE_CLUSTERS:
            return "left as it is"
        function, _, name = question.subject.partition(": ")
        newest = question.application.clusterings.first()
        cluster = Cluster.objects.filter(clustering=newest, function=function, name__startswith=name[:150]).first()
        if cluster is None:
            return "gone"
        decision = Decision.APPROVE if _is_simple(cluster) else Decision.REJECT
        cluster_decide(cluster=cluster, decision=decision, user=self.user)
        return str(decision)


def _is_simple(cluster: Cluster) -> bool:
    from curation.models import Query

    newest = Query.objects.filter(pattern__cluster=cluster).order_by("-id")[:LOOKED_AT]
    kinds = [read_request(query.text, query.context).kind for query in newest]
    return kinds.count("simple") >= MOSTLY * len(kinds)
