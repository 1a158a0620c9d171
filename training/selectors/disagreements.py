"""The disagreements of an evaluation: listed, and one after another as a queue for reviewers."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Sum

from curation.models import Application, Query
from training.models import Evaluation, EvaluationExample, Judgement
from training.models.evaluations import Verdict
from training.students.certification import upper_bound

PER_PAGE = 30
STUDENT_WRONG = (Verdict.TEACHER, Verdict.NEITHER)
"""Verdicts that leave a disagreement one; after the others it counts for none."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some disagreements, the most confident first; `after` continues the list, empty at its end."""

    rows: list[EvaluationExample]
    after: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the judging of what was answered inline is, and what it makes of the disagreement.

    `disagreement` is of the inline answers by weight, without those that a reviewer found no fault with; what nobody
    has judged counts as disagreement. `bound` is upper, with 95% confidence. Both are None without inline answers.
    """

    disagreements: int
    judged: int
    verdicts: dict[str, int]
    disagreement: float | None
    bound: float | None

    @property
    def waiting(self) -> int:
        return self.disagreements - self.judged

    @property
    def share(self) -> float:
        return self.judged / self.disagreements if self.disagreements else 1.0


def disagreements(
    evaluation: Evaluation, *, served: str = "", function: str | None = None, text: str = "", judged: str = ""
) -> QuerySet[EvaluationExample]:
    """The disagreements of an evaluation, the most confident first.

    `served` is empty (inline: what the application would have received), "teacher" (what the gate held back) or
    "all"; `function` is that of the reference call, None for any; `judged` is "yes", "no" or empty for both.
    """
    rows = evaluation.examples.filter(agrees=False).filter(_served(served))
    if function is not None:
        rows = rows.filter(function=function)
    if text:
        rows = rows.filter(text__icontains=text)
    return rows.filter(Exists(_standing()) if judged == "yes" else ~Exists(_standing())) if judged else rows


def page_of(rows: QuerySet[EvaluationExample], after: str = "", size: int = PER_PAGE) -> Page:
    """The disagreements behind `after`, with the verdicts that stand."""
    standing = Judgement.objects.filter(undone_at=None).select_related("judged_by")
    behind = rows.filter(_behind(after)).prefetch_related(Prefetch("judgements", standing))
    found = list(behind[: size + 1])
    shown = found[:size]
    return Page(shown, place_of(shown[-1]) if len(found) > size else "")


def place_of(example: EvaluationExample) -> str:
    """Where an example stands in the order of confidence and key."""
    return f"{example.confidence!r}~{example.pk}"


def first_to_judge(rows: QuerySet[EvaluationExample], after: EvaluationExample | None = None) -> int | None:
    """The key of the first disagreement without a verdict, behind `after` or else from the start."""
    waiting = rows.filter(~Exists(_standing())).values_list("pk", flat=True)
    behind = waiting.filter(_behind(place_of(after))).first() if after else None
    return behind if behind is not None else waiting.first()


def neighbours(rows: QuerySet[EvaluationExample], example: EvaluationExample) -> tuple[int | None, int | None]:
    """The keys of the disagreements before and behind this one."""
    keys = rows.values_list("pk", flat=True)
    before = Q(confidence__gt=example.confidence) | Q(confidence=example.confidence, pk__lt=example.pk)
    return keys.filter(before).order_by("confidence", "-pk").first(), keys.filter(_behind(place_of(example))).first()


def judgement_of(example: EvaluationExample) -> Judgement | None:
    """The verdict that stands."""
    return example.judgements.filter(undone_at=None).select_related("judged_by").first()


def last_judgement(evaluation: Evaluation, user: User) -> Judgement | None:
    """The newest verdict that a reviewer gave here and that stands, which is the one to take back first."""
    own = Judgement.objects.filter(example__evaluation=evaluation, judged_by=user, undone_at=None, carried_from=None)
    return own.select_related("example").order_by("-id").first()


def query_behind(application: Application, query_id: UUID) -> Query | None:
    """The query that an example was drawn from; None when retention has deleted it."""
    return Query.objects.filter(application=application, pk=query_id).select_related("tool_set", "application").first()


def progress_of(evaluation: Evaluation) -> Progress:
    inline = ~Q(served_by="")
    sums = evaluation.examples.filter(inline).aggregate(
        total=Sum("weight"),
        squares=Sum(F("weight") * F("weight")),
        differing=Sum("weight", filter=Q(agrees=False)),
        disagreements=Count("pk", filter=Q(agrees=False)),
    )
    standing = Judgement.objects.filter(example__evaluation=evaluation, undone_at=None).exclude(example__served_by="")
    rows = list(standing.values("verdict").annotate(count=Count("pk"), total=Sum("example__weight")).order_by())
    verdicts = {row["verdict"]: row["count"] for row in rows}
    cleared = sum(row["total"] for row in rows if row["verdict"] not in STUDENT_WRONG)
    share = ((sums["differing"] or 0) - cleared) / sums["total"] if sums["total"] else None
    independent = sums["total"] ** 2 / sums["squares"] if sums["total"] else 0  # Kish, 1965
    return Progress(
        disagreements=sums["disagreements"],
        judged=sum(verdicts.values()),
        verdicts=verdicts,
        disagreement=share,
        bound=None if share is None else upper_bound(share * independent, independent),
    )


def waiting_verdicts(evaluation: Evaluation) -> int:
    """Inline disagreements that nobody has judged."""
    return disagreements(evaluation, judged="no").count()


def _standing() -> QuerySet[Judgement]:
    return Judgement.objects.filter(example=OuterRef("pk"), undone_at=None)


def _served(served: str) -> Q:
    if served == "all":
        return Q()
    return Q(served_by="") if served == "teacher" else ~Q(served_by="")


def _behind(after: str) -> Q:
    """Rows behind the one that a page ended with, in the order of confidence and key."""
    try:
        confidence, key = after.split("~")
        place = float(confidence), int(key)
    except ValueError:
        return Q()
    return Q(confidence__lt=place[0]) | Q(confidence=place[0], pk__gt=place[1])
