"""The autopilot's steps from traffic to a student: what each would do now, and why. Nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.utils import timezone

from curation.models import Cluster, Job
from curation.models.clusters import ClusterStatus
from curation.models.jobs import JobKind, JobState
from curation.selectors.undecided import undecided_clusters
from training.models import Dataset, Student, SwitchOff
from training.models.autopilot import AutopilotStep as Step
from training.models.autopilot import cluster_subject
from training.models.datasets import DatasetStatus, ExampleRoute, Split
from training.selectors import dataset_differences as differences
from training.selectors.autopilot import (
    Facts,
    Proposal,
    decided_by_a_person,
    decided_since,
    failed_of_late,
    labelled_since,
    unclustered,
)
from training.students.certification import upper_bound

SOONER = 10
"""With an alarm, or with other tools, a tenth of the change is enough."""
ASKED_ABOUT = 5
"""Clusters in a day."""
WORTH_ASKING = 0.01
"""Share of the traffic from which an undecided cluster is worth a person's look."""
LEAST_EXAMPLES, MANY_EXAMPLES = 10, 50
"""Of a function: fewer teach a student nothing; from so many on, more of them are no reason to learn anew."""


def cluster(facts: Facts) -> Iterator[Proposal]:
    """Enough new traffic, or less of it with an alarm or with other tools."""
    if JobKind.CLUSTER in facts.kinds_under_way:
        yield Proposal(step=Step.CLUSTER, sentence="The traffic is being clustered.", waiting=True)
        return
    if failed_of_late(facts.newest_jobs.get(JobKind.CLUSTER)):
        sentence = "The last clustering failed; it is tried again an hour after."
        yield Proposal(step=Step.CLUSTER, sentence=sentence, waiting=True)
        return
    wanted = facts.autopilot.cluster_after
    new = unclustered(facts.application, wanted)
    reason = _reason_to_cluster(facts)
    needed = max(wanted // SOONER, 1) if reason else wanted
    many = f"{new:,}{' or more' if new == wanted else ''}"
    counted = (
        f"{many} quer{'y' if new == 1 else 'ies'} with an answer {'is' if new == 1 else 'are'} in no clustering yet"
    )
    sentence = f"{counted}; {needed:,} are needed. {reason}".strip()
    due = new >= needed
    yield Proposal(step=Step.CLUSTER, sentence=sentence, due=due, subject="cluster", page="clusters")


def _reason_to_cluster(facts: Facts) -> str:
    """Why less new traffic is enough."""
    if facts.student is not None and facts.has_other_tools(facts.student):
        return "No student has learned from traffic with the tools that are offered now."
    if facts.clustering is None:
        return ""
    since = facts.clustering.created_at
    if off := [one for one in facts.switched_off if one.created_at > since]:
        return f"Audits have switched off {_named(off)} since the last clustering."
    return facts.alarm_since(since, "unknown", "function_share", "teacher_changed")


def _named(off: list[SwitchOff]) -> str:
    return ", ".join(one.function or str(one.student) for one in off)


def approve_clusters(facts: Facts) -> Iterator[Proposal]:
    """Those that reach the policy's thresholds; of the others, the few that are worth a look are asked about."""
    if facts.clustering is None or JobKind.CLUSTER in facts.kinds_under_way:
        sentence = "There is no clustering yet." if facts.clustering is None else "The traffic is being clustered."
        yield Proposal(step=Step.APPROVE_CLUSTERS, sentence=sentence, waiting=True)
        return
    policy = facts.policy
    thresholds = {"simplicity": policy.approve_simplicity, "purity": policy.approve_purity}
    found = undecided_clusters(facts.clustering, **thresholds, queries=policy.approve_queries)
    yield _approval(facts, found.reached)
    if Step.APPROVE_CLUSTERS not in facts.autopilot.left_to_people:
        yield from _questions(facts, found.short)


def _approval(facts: Facts, reached: list[Cluster]) -> Proposal:
    if not reached:
        sentence = "No undecided cluster reaches the policy’s thresholds."
        return Proposal(step=Step.APPROVE_CLUSTERS, sentence=sentence)
    share = sum(cluster.share for cluster in reached)
    names = ", ".join(f"“{cluster.name}”" for cluster in reached[:3])
    more = f" and {len(reached) - 3} more" if len(reached) > 3 else ""
    return Proposal(
        step=Step.APPROVE_CLUSTERS,
        sentence=(
            f"{len(reached)} cluster{'' if len(reached) == 1 else 's'} with {share:.1%} of the traffic reach"
            f"{'es' if len(reached) == 1 else ''} the policy’s thresholds: {names}{more}."
        ),
        due=True,
        subject=f"clustering {reached[0].clustering_id}",
        on=reached,
        page="clusters",
    )


def _questions(facts: Facts, short: list[tuple[Cluster, str]]) -> Iterator[Proposal]:
    """The most worth first; those that were asked about before stay, whatever clustering they are in."""
    asked = facts.asked(Step.APPROVE_CLUSTERS) if short else {}
    yesterday = timezone.now() - timedelta(days=1)
    left = ASKED_ABOUT - sum(moment > yesterday for moment in asked.values())
    shown = 0
    for one, why in short:
        subject = cluster_subject(one.function, one.name)
        if not (one.note or one.share >= WORTH_ASKING) or shown == ASKED_ABOUT:
            continue
        if subject not in asked:
            if left <= 0:
                continue
            left -= 1
        shown += 1
        sentence = f"“{one.name}” has {one.share:.1%} of the traffic, but {why.rstrip('.')}. Approve or reject it."
        yield Proposal(
            step=Step.APPROVE_CLUSTERS, sentence=sentence, asks=True, subject=subject, page="cluster", key=one.pk
        )


def build(facts: Facts) -> Iterator[Proposal]:
    """When what is approved has changed since the last build, and nobody is in the middle of deciding."""
    if busy := facts.kinds_under_way & {JobKind.CLUSTER, JobKind.BUILD}:
        what = "A dataset is being built." if JobKind.BUILD in busy else "The traffic is being clustered."
        yield Proposal(step=Step.BUILD, sentence=what, waiting=True)
        return
    if facts.clustering is None or not facts.clustering.clusters.filter(status=ClusterStatus.APPROVED).exists():
        yield Proposal(step=Step.BUILD, sentence="No cluster is approved yet.", waiting=True)
        return
    reason = _reason_to_build(facts)
    if not reason:
        yield Proposal(step=Step.BUILD, sentence="Nothing has changed since the last build.")
        return
    quiet = timezone.now() - timedelta(minutes=facts.autopilot.quiet_minutes)
    if decided_by_a_person(facts.application, quiet):
        sentence = f"{reason} Somebody has decided within the last {facts.autopilot.quiet_minutes} minutes."
        yield Proposal(step=Step.BUILD, sentence=sentence, waiting=True)
        return
    yield Proposal(step=Step.BUILD, sentence=reason, due=True, subject=_built_when(facts), page="datasets")


def _reason_to_build(facts: Facts) -> str:
    job, dataset = facts.newest_jobs.get(JobKind.BUILD), facts.dataset
    moments = [row.created_at for row in (job, dataset) if row is not None]
    if not moments:
        return "Clusters are approved, and there is no dataset yet."
    last = max(moments)
    if facts.clustering is not None and facts.clustering.created_at > last:
        return "The traffic was clustered since the last build."
    if decided_since(facts.application, last):
        return "Clusters or calls were decided on since the last build."
    if labelled_since(facts.application, last) >= max(facts.autopilot.cluster_after // SOONER, 1):
        return "The teacher has answered more queries since the last build."
    if dataset is not None and facts.has_other_tools(dataset) and not failed_of_late(job):
        return f"The application offers other tools than those of dataset {dataset.version}."
    return ""


def _built_when(facts: Facts) -> str:
    """What tells a wish for a build from an earlier one."""
    return f"after dataset {facts.dataset.version if facts.dataset else 0}, clustering {facts.clustering.pk}"  # type: ignore[union-attr]


def approve_dataset(facts: Facts) -> Iterator[Proposal]:
    """The newest one, unless a person took its approval back."""
    dataset = facts.dataset
    if dataset is None or dataset.status == DatasetStatus.APPROVED:
        sentence = f"Dataset {dataset.version} is approved." if dataset else "There is no dataset yet."
        yield Proposal(step=Step.APPROVE_DATASET, sentence=sentence)
        return
    place: dict[str, Any] = {"subject": f"dataset {dataset.pk}", "page": "dataset"}
    if dataset.history:
        sentence = f"The approval of dataset {dataset.version} was taken back. Approve it, or change what is in it."
        yield Proposal(step=Step.APPROVE_DATASET, sentence=sentence, asks=True, key=dataset.pk, **place)
        return
    funnel = dataset.funnel
    sentence = (
        f"Dataset {dataset.version} holds {funnel['selected']:,} examples, drawn from {funnel['usable']:,} usable "
        f"queries of approved clusters."
    )
    yield Proposal(step=Step.APPROVE_DATASET, sentence=sentence, due=True, on=dataset, key=dataset.pk, **place)


def distil(facts: Facts) -> Iterator[Proposal]:
    """On the newest dataset, if it is approved and enough of it is new to the newest student; each dataset once."""
    dataset = facts.dataset
    if busy := facts.kinds_under_way & {JobKind.DISTIL, JobKind.BUILD}:
        what = "A student is being distilled." if JobKind.DISTIL in busy else "A dataset is being built."
        yield Proposal(step=Step.DISTIL, sentence=what, waiting=True)
        return
    if dataset is None or dataset.status != DatasetStatus.APPROVED:
        yield Proposal(step=Step.DISTIL, sentence="No dataset waits to be learned from.", waiting=dataset is not None)
        return
    if run := dataset.runs.select_related("job").defer("curve", "log").first():
        yield _run_before(dataset, run.job, run.pk)
        return
    if few := _too_few_to_certify(facts, dataset):
        yield Proposal(step=Step.DISTIL, sentence=few, waiting=True)
        return
    if facts.has_other_tools(dataset):
        sentence = f"Dataset {dataset.version} is of other tools than the application offers now."
        yield Proposal(step=Step.DISTIL, sentence=sentence, waiting=True)
        return
    enough, sentence = _changed_enough(facts, dataset)
    yield Proposal(
        step=Step.DISTIL, sentence=sentence, due=enough, subject=f"dataset {dataset.pk}", on=dataset, page="run_start"
    )


def _run_before(dataset: Dataset, job: Job, run: int) -> Proposal:
    if job.state == JobState.DONE:
        return Proposal(step=Step.DISTIL, sentence=f"A student has learned from dataset {dataset.version}.")
    sentence = f"Run {run} on dataset {dataset.version} made no student: {job.message} Resume it, or leave it."
    return Proposal(step=Step.DISTIL, sentence=sentence, asks=True, subject=f"run {run}", page="run", key=run)


def _too_few_to_certify(facts: Facts, dataset: Dataset) -> str:
    """No student of a dataset can pass whose calibration split is too small even for one that is never wrong."""
    epsilon = facts.policy.epsilon
    held = dataset.examples.filter(split=Split.CALIBRATION, route=ExampleRoute.SIMPLE).count()
    if upper_bound(0, held) <= epsilon:
        return ""
    return (
        f"Dataset {dataset.version} holds {held:,} simple examples for the calibration: too few for any student to "
        f"prove a disagreement of at most {epsilon:.1%}. More traffic is needed."
    )


def _changed_enough(facts: Facts, dataset: Dataset) -> tuple[bool, str]:
    student = facts.student
    if student is None:
        return True, f"Dataset {dataset.version} is approved, and there is no student yet."
    counts = differences.counts(student.dataset, dataset)
    new = counts["added"] + counts["changed"] + counts["rerouted"]
    share = new / max(new + counts["unchanged"], 1)
    reason = _reason_to_learn(facts, student, dataset)
    needed = facts.autopilot.distil_after / SOONER if reason else facts.autopilot.distil_after
    figures = (
        f"{share:.1%} of dataset {dataset.version} is new to {student}, or called otherwise; {needed:.1%} is needed."
    )
    return share >= needed and share > 0, f"{figures} {reason}".strip()


def _reason_to_learn(facts: Facts, student: Student, dataset: Dataset) -> str:
    """Why a smaller change is enough: other tools, functions that it hardly knows, or disagreement that was seen before
    the dataset was built."""
    if facts.has_other_tools(student):
        return f"The application offers other tools than {student} was trained on."
    if few := _hardly_known(student.dataset, dataset):
        return f"{student} hardly knows {few}."
    off = [one for one in facts.switched_off if student.created_at < one.created_at < dataset.created_at]
    if off:
        return f"Audits have switched off {_named(off)} since."
    if facts.drift is not None and facts.drift.created_at < dataset.created_at:
        return facts.alarm_since(student.created_at, "disagreement", "teacher_changed", "unknown")
    return ""


def _hardly_known(learned: Dataset, dataset: Dataset) -> str:
    """Functions of which there are at least twice as many examples by now as the few that were learned from."""
    doubled = [
        f"{change.row.label} ({change.older} examples, {change.newer} now)"
        for change in differences.balance_changes(learned, dataset)
        if not change.row.route
        and change.older < MANY_EXAMPLES
        and change.newer >= 2 * max(change.older, LEAST_EXAMPLES / 2)
    ]
    return ", ".join(doubled)
