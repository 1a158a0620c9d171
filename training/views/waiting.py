"""What needs a person, in the order of its worth, with where to go for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.urls import reverse

from curation.models import Application, Cluster
from curation.selectors.jobs import failed_since
from curation.templatetags.odia import ms, percent, whole
from training.models import Autopilot, Dataset, Evaluation, RoutingPolicy, Student
from training.selectors import waiting as selectors
from training.selectors.canary import next_step
from training.selectors.disagreements import waiting_verdicts
from training.selectors.drift import standing_alarms
from training.selectors.tool_changes import ToolChanges, tool_changes
from training.selectors.trials import audits_of_all
from training.services.autopilot_plan import plan
from training.services.checks import promotion_checks
from training.views.autopilot import address_of, question_of
from training.views.drift import TO_DO


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing that waits: a badge with its tone, what to do, in words, its page, and what it is worth."""

    badge: str
    tone: str
    title: str
    href: str
    sentence: str = ""
    worth: str = ""
    is_code: bool = False


def what_waits(
    application: Application,
    policy: RoutingPolicy,
    user: User,
    champion: Student | None,
    challenger: Student | None,
    evaluation: Evaluation | None,
    autopilot: Autopilot,
) -> list[Waiting]:
    """What is broken first, then what is gained at once, then what has to be decided; of an application on autopilot,
    what the autopilot asks."""
    if autopilot.enabled:
        return [
            *_failed(application),
            *_worse(selectors.worse_live(champion)),
            *_asked(application),
            *_drafts(selectors.own_drafts(application), policy, user),
            *_verdicts(evaluation),
        ]
    return [
        *_failed(application),
        *_worse(selectors.worse_live(champion, challenger)),
        *_changed_tools(tool_changes(application, champion)),
        *_drift(application),
        *_ready(application, champion),
        *_trial(challenger, policy),
        *_clusters(selectors.clusters_to_decide(application)),
        *_drafts(selectors.drafts(application), policy, user),
        *_verdicts(evaluation),
    ]


def _failed(application: Application) -> Iterator[Waiting]:
    for job in failed_since(application, days=7):
        yield Waiting(
            "Failed", "bad", job.get_kind_display(), f"{reverse('jobs')}?state=failed#job-{job.pk}", job.message
        )


def _worse(evaluations: list[Evaluation]) -> Iterator[Waiting]:
    for one in evaluations:
        what, href = f"Look at {one.student} on live traffic", reverse("evaluation", args=[one.pk])
        yield Waiting("Worse", "bad", what, href, f"It got worse at: {one.worse_at}.")


def _drift(application: Application) -> Iterator[Waiting]:
    for alarm in standing_alarms(application):
        yield Waiting("Drift", "warn", TO_DO[alarm["kind"]], reverse("drift"), alarm["sentence"])


def _asked(application: Application) -> Iterator[Waiting]:
    for one in plan(application):
        if one.needs_person:
            yield Waiting("Autopilot asks", "warn", question_of(one), address_of(one), one.words)


def _changed_tools(changes: ToolChanges | None) -> Iterator[Waiting]:
    if changes is None:
        return
    href = reverse("datasets")
    if changes.left_to_teacher:
        kinds = {"new": changes.new, "changed": changes.changed}
        named = "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds.items() if names)
        sentence = f"The teacher answers what the champion has not learned: {named}. Train a student on a new dataset."
        yield Waiting("Tools changed", "warn", "Build a dataset", href, sentence)
    if changes.removed:
        sentence = f"No longer offered, and never called: {', '.join(changes.removed)}."
        yield Waiting("Tools changed", "plain", "Tools were removed", href, sentence)


def _ready(application: Application, champion: Student | None) -> Iterator[Waiting]:
    """The newest student, if it could take the champion's place at once."""
    student = selectors.successor_of(application, champion)
    if student is None or not all(check.passed for check in promotion_checks(student=student)):
        return
    evaluation = selectors.evaluation_of(student)
    worth = f"covers {percent(evaluation.figures['coverage'])} of its test split" if evaluation else ""
    href = reverse("student", args=[student.pk])
    yield Waiting("Ready", "good", f"Promote {student}", href, "It passes every check and is not champion.", worth)


def _trial(challenger: Student | None, policy: RoutingPolicy) -> Iterator[Waiting]:
    step = next_step(policy.canary_share)
    if challenger is None or not policy.canary_share:
        return
    audits = audits_of_all(challenger)
    if audits.bound is None or audits.bound > policy.epsilon:
        return
    what = f"Widen the canary to {step}%" if step else f"Promote {challenger}"
    sentence = f"Of {whole(audits.judged)} audited answers of {challenger} {whole(audits.disagreed)} differed"
    bound = f"at most {percent(audits.bound, 2)} (95%), {percent(policy.epsilon)} is allowed."
    href = reverse("student", args=[challenger.pk]) + "#trial"
    yield Waiting("Trial", "good", what, href, f"{sentence}: {bound}")


def _clusters(clusters: list[Cluster]) -> Iterator[Waiting]:
    for cluster in clusters:
        href = f"{reverse('cluster', args=[cluster.pk])}?status=proposed"
        saved = f"{whole(round(cluster.saved_calls))} calls"
        if cluster.saved_ms is not None:
            saved = f"{ms(cluster.saved_ms)} of the teacher’s time"
        worth = f"saves {saved}, {percent(cluster.share)} of the traffic"
        yield Waiting("To decide", "warn", cluster.name[:80], href, "", worth, is_code=True)


def _drafts(drafts: list[Dataset], policy: RoutingPolicy, user: User) -> Iterator[Waiting]:
    for dataset in drafts:
        own = policy.second_approver and dataset.built_by == user
        sentence = "You built it: somebody else has to approve it." if own else "It waits for approval."
        href = reverse("dataset", args=[dataset.pk])
        yield Waiting("Draft", "warn", f"Dataset {dataset.version}", href, sentence)


def _verdicts(evaluation: Evaluation | None) -> Iterator[Waiting]:
    waiting = waiting_verdicts(evaluation) if evaluation else 0
    if evaluation and waiting:
        href = reverse("verdicts", args=[evaluation.pk])
        title = f"Judge {whole(waiting)} disagreement{'' if waiting == 1 else 's'} of {evaluation.student}"
        yield Waiting("Verdicts", "plain", title, href, "Where the student was right, the reference call follows.")
