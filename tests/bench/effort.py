"""How many decisions it takes to approve traffic, and how much of what is approved is right. Run by hand.

    python -m tests.bench.effort --sample [--queries 20000]
    python -m tests.bench.effort FOLDER [--slips 0.02]

A careful operator starts with the first cluster of the list and is led from decision to decision by the dashboard's
queue, as long as clusters worth deciding are left. Decisions go through the services that the pages call, and rest on
what the page of a cluster shows: a cluster without a function, or less simple than `--simple`, is rejected; of the
samples that are the cluster's own, the operator knows which calls are right, excludes the wrong ones, and rejects
the cluster where more than `--wrong` of them are; texts that the teacher answered differently are settled, with the
right call where it is among the answers. Nothing that the page does not show is used.

What the right call is, is known: the sample's generator tells what was meant, and its teacher is wrong in a quarter of
the requests that are not simple. In a folder the labels are right, and a teacher is simulated that gives another
query's call in a share `--slips` of all queries.

Printed after every five decisions: the share of all traffic approved; the agreement in it, that is the share of the
approved queries whose reference call (the teacher's, or the operator's correction) is the right one; and the share of
them that the cross-validated probe, a student's weaker stand-in without a gate, answers as the teacher did.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curation.ml.calls import Call
from tests.bench.own_database import prepare
from tests.bench.plays import Play, play_folder, play_sample
from tests.bench.stand import folder_for_odia

if TYPE_CHECKING:
    from curation.models import Application, Cluster

MOST_DECISIONS = 60
PRINTED_EVERY = 5
AIM_SHARE, AIM_AGREEMENT, AIM_DECISIONS = 0.60, 0.97, 40


@dataclass
class Operator:
    """Decides clusters; counts decisions, and what else was pressed a key for."""

    play: Play
    least_simple: float
    most_wrong: float
    decisions: int = 0
    other_actions: int = 0
    rejected: list[str] = field(default_factory=list)

    def decide(self, cluster: Cluster) -> None:
        from curation.models.reviews import Decision
        from curation.services.cluster_reviews import cluster_decide

        reason = self._objection(cluster)
        cluster_decide(cluster=cluster, decision=Decision.REJECT if reason else Decision.APPROVE)
        self.decisions += 1
        if reason:
            self.rejected.append(f"{cluster.name}: {reason}")
        else:
            self._clean(cluster)

    def _objection(self, cluster: Cluster) -> str:
        if not cluster.function:
            return "no function"
        if cluster.simplicity < self.least_simple:
            return f"simplicity {cluster.simplicity:.0%}"
        shown, wrong = self._samples(cluster)
        if len(wrong) > self.most_wrong * len(shown):
            return f"{len(wrong)} of {len(shown)} samples are wrong"
        return ""

    def _samples(self, cluster: Cluster) -> tuple[list[Any], list[Any]]:
        """The cluster's own queries that its page shows, and those of them whose call is wrong."""
        from curation.selectors.one_cluster import samples_of

        shown = [sample.query for kind in samples_of(cluster).values() for sample in kind]
        own = [query for query in shown if query.function == cluster.function]
        return own, [query for query in own if not self.play.is_right(query.client_id, query.call)]

    def _clean(self, cluster: Cluster) -> None:
        from curation.selectors.contradictions import contradictions_of
        from curation.services.contradictions import contradiction_settle
        from curation.services.query_reviews import query_exclude

        for query in self._samples(cluster)[1]:
            query_exclude(query=query, user=None)
            self.other_actions += 1
        for found in contradictions_of(cluster).texts:
            number = self._number_of(found.answers[0].query_id)
            right = next((one.query_id for one in found.answers if self.play.is_right(number, one.call)), None)
            contradiction_settle(cluster=cluster, key=found.key, answer=right, seen=found.version, user=None)
            self.other_actions += 1

    @staticmethod
    def _number_of(query_id: Any) -> str:
        from curation.models import Query

        return Query.objects.get(pk=query_id).client_id


@dataclass(frozen=True, slots=True)
class Approved:
    """Shares of all traffic, of the approved queries with the right call, and of those that the probe gets."""

    share: float
    agreement: float
    probe: float


def approved(application: Application, play: Play) -> Approved:
    from curation.models import Cluster, Query
    from curation.models.clusters import ClusterStatus

    clusters = Cluster.objects.filter(
        clustering=application.clusterings.first(), status=ClusterStatus.APPROVED
    ).exclude(function="")
    queries = Query.objects.filter(application=application, pattern__cluster__in=clusters, excluded=False)
    right = [play.is_right(query.client_id, query.call) for query in queries.iterator()]
    probes = [cluster.evidence["probe"] for cluster in clusters]
    asked = sum(probe["queries"] for probe in probes)
    return Approved(
        len(right) / len(play.lines),
        sum(right) / max(len(right), 1),
        sum(probe["agreed"] for probe in probes) / max(asked, 1),
    )


def clustered(play: Play, folder: Path) -> Application:
    """An application with this traffic, imported as any log is, and clustered."""
    from curation.services.applications import application_ensure
    from curation.services.clustering import cluster_traffic
    from curation.services.imports import import_traffic

    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in play.lines))
    application = application_ensure(slug="effort", name="Effort")
    import_traffic(
        application=application, path=path, log_format="openai", on_error=print, on_batch=lambda report: None
    )
    cluster_traffic(application=application, report=lambda phase, fraction, message="": None)
    return application


def work(application: Application, operator: Operator) -> None:
    from curation.models import Cluster
    from curation.models.clusters import ClusterStatus
    from curation.selectors.clusters import (
        ClusterFilter,
        clustering_in_force,
        clusters_of,
        next_in_queue,
        standing_of,
    )

    teacher = sum(operator.play.is_right(number, call) for number, call in _reference_calls(application).items()) / len(
        operator.play.lines
    )
    clustering = clustering_in_force(application)
    undecided = ClusterFilter(status=ClusterStatus.PROPOSED)
    found = list(clusters_of(clustering, undecided))
    worth = standing_of(clustering).worth
    print(f"{len(operator.play.lines):,} queries in {len(found)} clusters, {worth} of them worth deciding; ", end="")
    print(f"the teacher is right in {teacher:.1%} of the queries")
    print("| decisions | other actions | traffic approved | agreement in it | probe |\n| --- | --- | --- | --- | --- |")
    aim = None
    key: int | None = found[0].pk
    while key and standing_of(clustering).worth and operator.decisions < MOST_DECISIONS:
        cluster = Cluster.objects.get(pk=key)
        operator.decide(cluster)
        now = approved(application, operator.play)
        if aim is None and now.share >= AIM_SHARE:
            aim = (operator.decisions, operator.other_actions, now)
        if operator.decisions % PRINTED_EVERY == 0:
            print(_row(operator.decisions, operator.other_actions, now))
        key = next_in_queue(cluster, undecided)
    print("rejected:", *operator.rejected, sep="\n  ")
    print(_verdict(aim))


def _reference_calls(application: Application) -> Mapping[str, Call | None]:
    from curation.models import Query

    return {query.client_id: query.call for query in Query.objects.filter(application=application).iterator()}


def _row(decisions: int, others: int, now: Approved) -> str:
    return f"| {decisions} | {others} | {now.share:.1%} | {now.agreement:.1%} | {now.probe:.1%} |"


def _verdict(aim: tuple[int, int, Approved] | None) -> str:
    if aim is None:
        return f"Not met: {AIM_SHARE:.0%} of the traffic was never approved."
    decisions, _, now = aim
    met = decisions <= AIM_DECISIONS and now.agreement >= AIM_AGREEMENT
    return (
        f"{'Met' if met else 'Not met'}: {AIM_SHARE:.0%} of the traffic after {decisions} decisions (aim "
        f"{AIM_DECISIONS}), agreement {now.agreement:.1%} (aim {AIM_AGREEMENT:.0%})."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="a benchmark folder")
    parser.add_argument("--sample", action="store_true", help="the simulated music assistant")
    parser.add_argument("--queries", type=int, default=20_000, help="of the sample")
    parser.add_argument("--slips", type=float, default=0.02, help="share of a folder's calls that are wrong")
    parser.add_argument("--simple", type=float, default=0.5, help="less simple clusters are rejected")
    parser.add_argument("--wrong", type=float, default=0.2, help="share of wrong samples with which one is rejected")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    if options.sample == bool(options.folder):
        parser.error("Say --sample, or name a benchmark folder.")
    prepare()
    play = play_sample(options.queries) if options.sample else play_folder(options.folder, options.slips, options.seed)
    with folder_for_odia() as folder:
        work(clustered(play, folder), Operator(play, options.simple, options.wrong))


if __name__ == "__main__":
    main()
