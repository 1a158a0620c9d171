"""What the teacher can be asked about, and what that would cost."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from django.db.models import Avg, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from curation.ml.tools import canonical_json
from curation.models import Application, Query, RouterDecision, Teacher, TeacherCall, TeacherSpending, Unusable
from curation.models.labelling import LabelChoices, Scope
from curation.models.traffic import INLINE_ROUTES
from curation.selectors.spending import allows, price_of
from curation.selectors.tool_sets import current_tool_set, holding_functions, recent_tool_sets

LOOKED_THROUGH = 50_000
"""The newest queries, as many as a clustering looks at; older ones are not looked for."""
CHARACTERS_OF_A_TOKEN = 4
USUAL_COMPLETION_TOKENS = 40
USUAL_SECONDS = 1.5
"""A call of a large model, where nothing is known of this one."""
SAMPLED = 500


def targets(application: Application, scope: Scope, cluster: int | None = None) -> QuerySet[Query]:
    """The queries of a scope, the newest first. What was answered inline is left to the audits."""
    rows = Query.objects.filter(application=application, excluded=False).exclude(tool_set=None).order_by("-id")
    if cluster is not None:
        rows = rows.filter(pattern__cluster=cluster)
    return rows.filter(_within(application, scope))


def _within(application: Application, scope: Scope) -> Q:
    unusable = Q(Exists(Unusable.objects.filter(query=OuterRef("pk"))))
    if scope == Scope.AGAIN:
        return Q(labelled=True, several_calls=False)
    if scope == Scope.CHANGED:
        return Q(labelled=True, corrected=False) & _outdated(application)
    inline = RouterDecision.objects.filter(query=OuterRef("pk"), route__in=INLINE_ROUTES)
    unanswered = Q(labelled=False) & ~Q(Exists(inline))
    return unanswered & (unusable if scope == Scope.REFUSED else ~unusable)


def _outdated(application: Application) -> Q:
    """Answers under older tools that say nothing about the tools of now; what was refused under these stays so.

    Tools that still come are not older: some applications offer several sets.
    """
    now, recent = current_tool_set(application), recent_tool_sets(application)
    outdated = Q(pk__in=[])
    if now is None:
        return outdated
    for tool_set, holding in holding_functions(application, now).items():
        if tool_set not in recent:
            outdated |= Q(tool_set=tool_set) & ~Q(function__in=holding)
    refused = Unusable.objects.filter(query=OuterRef("pk"), asked_at__gte=now.first_seen_at)
    return outdated & ~Q(Exists(refused))


def selected(
    application: Application,
    *,
    scope: Scope,
    limit: int,
    samples: int = 1,
    temperature: float | None = None,
    cluster: int | None = None,
) -> LabelChoices | None:
    """The newest queries of a scope, at most `limit`; None where there are none."""
    rows = targets(application, scope, cluster)
    if edge := _edge(application):
        rows = rows.filter(id__gte=edge)
    keys = list(rows.values_list("id", flat=True)[:limit])
    if not keys:
        return None
    choices = LabelChoices(scope=scope, first=keys[-1], last=keys[0], queries=len(keys), cluster=cluster)
    if scope != Scope.AGAIN:
        return choices
    return replace(choices, samples=samples, temperature=temperature, mark=uuid4().hex)


def _edge(application: Application) -> UUID | None:
    newest = Query.objects.filter(application=application).order_by("-id").values_list("id", flat=True)
    return newest[LOOKED_THROUGH - 1 : LOOKED_THROUGH].first()


def chosen(application: Application, choices: LabelChoices) -> QuerySet[Query]:
    """Those queries of a job that are still to be asked about; asked again, all that it is about."""
    rows = targets(application, choices.scope, choices.cluster)
    return rows.filter(id__gte=choices.first, id__lte=choices.last)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What asking would take. Tokens are those of all requests; `known` says that they rest on this teacher's own
    answers; `within_budget` that the month's limits leave room for all."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    money: Decimal
    duration: timedelta
    known: bool
    within_budget: bool

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens


def estimate(teacher: Teacher, choices: LabelChoices) -> Estimate:
    """From what this teacher's answers took; before there is any, from the length of the texts and the tools."""
    spent = _spent_on_average(teacher)
    prompt, completion = spent or _guessed(teacher.application)
    requests = choices.requests
    prompt_tokens, completion_tokens = round(requests * prompt), round(requests * completion)
    return Estimate(
        requests,
        prompt_tokens,
        completion_tokens,
        price_of(teacher, prompt_tokens, completion_tokens),
        timedelta(seconds=requests * _seconds_each(teacher)),
        known=spent is not None,
        within_budget=allows(teacher, choices.purpose, prompt_tokens, completion_tokens),
    )


def _spent_on_average(teacher: Teacher) -> tuple[float, float] | None:
    """Tokens of a prompt and of an answer: of ODIA's own requests, else of the application's."""
    month = timezone.now().date() - timedelta(days=30)
    own = TeacherSpending.objects.filter(teacher=teacher, day__gte=month)
    rows = [(row.requests, row.prompt_tokens, row.completion_tokens) for row in own]
    if requests := sum(row[0] for row in rows):
        return sum(row[1] for row in rows) / requests, sum(row[2] for row in rows) / requests
    calls = _newest_calls(teacher.application).filter(prompt_tokens__gt=0)
    means = calls.aggregate(prompt=Avg("prompt_tokens"), completion=Avg("completion_tokens"))
    return None if means["prompt"] is None else (means["prompt"], means["completion"])


def _newest_calls(application: Application) -> QuerySet[TeacherCall]:
    """What the teacher answered to the newest queries, found by their index."""
    newest = Query.objects.filter(application=application).order_by("-id").values_list("id", flat=True)
    return TeacherCall.objects.filter(query__in=list(newest[:SAMPLED]))


def _guessed(application: Application) -> tuple[float, float]:
    tool_set = current_tool_set(application)
    tools = len(canonical_json(tool_set.tools)) if tool_set else 0
    texts = Query.objects.filter(application=application).order_by("-id").values_list("text", flat=True)[:SAMPLED]
    text = sum(map(len, texts)) / max(len(texts), 1)
    return (tools + text) / CHARACTERS_OF_A_TOKEN, USUAL_COMPLETION_TOKENS


def _seconds_each(teacher: Teacher) -> float:
    """Between two requests: by the pace that is allowed, or by how many are under way at a time."""
    mean = _newest_calls(teacher.application).aggregate(ms=Avg("latency_ms"))["ms"]
    seconds = USUAL_SECONDS if mean is None else mean / 1000
    pace = 60 / teacher.requests_per_minute if teacher.requests_per_minute else 0.0
    return max(seconds / teacher.concurrency, pace)


def unusable_of(application: Application, number: int) -> list[Unusable]:
    """The queries that the teacher gave no usable answer to, the latest first."""
    rows = Unusable.objects.filter(application=application).select_related("query").order_by("-asked_at")
    return list(rows[:number])
