"""Audits: the teacher asked again, in the background, about queries that were answered inline."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection
from django.utils import timezone

from curation.identifiers import first_id
from curation.models import Application, RouterDecision
from curation.models.traffic import INLINE_ROUTES, Purpose
from curation.services.asking import Asker, asker_of
from curation.teachers.openai_api import RequestRefused, TeacherAnswer, TeacherError
from training.selectors.watched import LOOKED_BACK
from training.services.audit_answers import audit_record

logger = logging.getLogger(__name__)

LOCK = 0x0D1A_0003
AT_ONCE = 4
"""Requests to the teacher at a time. When all of them fail, the round ends."""
EXPIRE_AFTER = timedelta(days=1)
PATIENCE_SECONDS = 30.0
"""Where the teacher rests for longer, the audits of this round wait for a later one."""


@dataclass(slots=True)
class AuditReport:
    """What came of a round of audits.

    `failed` stay due, since the teacher did not answer (`problem` says why); `given_up` never get a usable answer;
    `expired` were due for too long. `switched_off` says what, and why.
    """

    asked: int = 0
    agreed: int = 0
    disagreed: int = 0
    failed: int = 0
    given_up: int = 0
    expired: int = 0
    problem: str = ""
    switched_off: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def audit_inline(*, application: Application, limit: int, wait: bool = False) -> AuditReport:
    """Ask the teacher about inline answers that are due, the newest first, at most `limit` of them.

    The newest say most about the student as it is. What is due for longer than a day is dropped: the teacher was away
    or cannot keep up, and old answers would cost as much as news and hold it up. While another process audits the
    application, this one does nothing, or with `wait` waits for its turn.

    Raises:
        OdiaError: the application has no teacher, or its key cannot be read.
    """
    report = AuditReport()
    with asker_of(application, PATIENCE_SECONDS) as asker, _turn(application, wait) as mine:
        if mine:
            report.expired = _expire(application)
            due = _due(application, limit)
            if due:
                async_to_sync(_audit)(asker, due, report)
    return report


def audits_request(*, application: Application, number: int) -> None:
    """Make the newest inline answers due that were not audited yet, as many as are missing to `number` in all."""
    due = RouterDecision.objects.filter(application=application, audit_due=True).count()
    others = RouterDecision.objects.filter(
        application=application, route__in=INLINE_ROUTES, agrees=None, audit_due=False, query__gte=_oldest()
    )
    newest = others.order_by("-query").values_list("pk", flat=True)[: max(number - due, 0)]
    RouterDecision.objects.filter(pk__in=list(newest)).update(audit_due=True)


def look_closer(*, decision: RouterDecision) -> None:
    """After an audited answer that disagrees: make the newest answers of the same student with this function due too;
    those that come next are due as they are shipped (see `training.selectors.watched`).

    A teacher that answers otherwise than before is found out within seconds, not after twenty times as many wrong
    answers as it takes to prove it. The sequential test of the function stays valid: which answers are audited hangs on
    audits that are over, never on what the teacher will say to these, so that each of them still disagrees with a
    chance of at most epsilon, given all that came before, as long as the function keeps within it. Towards the whole
    student they do not count.
    """
    alike = RouterDecision.objects.filter(
        application=decision.application_id,
        route__in=INLINE_ROUTES,
        student=decision.student,
        function=decision.function,
        agrees=None,
        query__gte=_oldest(),
    )
    missing = LOOKED_BACK - alike.filter(audit_due=True).count()
    newest = alike.filter(audit_due=False).order_by("-query").values_list("pk", flat=True)[: max(missing, 0)]
    RouterDecision.objects.filter(pk__in=list(newest)).update(audit_due=True)


@contextmanager
def _turn(application: Application, wait: bool) -> Iterator[bool]:
    """Whether this process may audit now; it holds an advisory lock as long as the block lasts."""
    keys = [LOCK, application.pk]
    take = "SELECT pg_advisory_lock(%s, %s) IS NOT NULL" if wait else "SELECT pg_try_advisory_lock(%s, %s)"
    with connection.cursor() as cursor:
        cursor.execute(take, keys)
        [mine] = cursor.fetchone()
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", keys)


def _oldest() -> UUID:
    return first_id(timezone.now() - EXPIRE_AFTER)


def _expire(application: Application) -> int:
    old = RouterDecision.objects.filter(application=application, audit_due=True, query__lt=_oldest())
    expired = old.update(audit_due=False, audit_request=None)
    if expired:
        logger.warning("%d audits of %s were due for over a day and are dropped.", expired, application.slug)
    return expired


def _due(application: Application, limit: int) -> list[RouterDecision]:
    rows = RouterDecision.objects.filter(application=application, audit_due=True).order_by("-query")
    return list(rows.select_related("query__tool_set", "query__application")[:limit])


async def _audit(asker: Asker, due: Sequence[RouterDecision], report: AuditReport) -> None:
    async with aclosing(asker):
        for start in range(0, len(due), AT_ONCE):
            batch = due[start : start + AT_ONCE]
            answers = await asyncio.gather(*(_ask(asker, decision) for decision in batch))
            for decision, answer in zip(batch, answers, strict=True):
                await sync_to_async(_take)(decision, answer, asker.model, report)
            if all(_is_failure(answer) for answer in answers):
                logger.warning("The audits of %s pause: %s", batch[0].query.application.slug, report.problem)
                return


async def _ask(asker: Asker, decision: RouterDecision) -> TeacherAnswer | TeacherError:
    """The same request again; where it was not kept, what is known of it."""
    query = decision.query
    fields = dict(decision.audit_request or {})
    messages = fields.pop("messages", None) or [*query.context, {"role": "user", "content": query.text}]
    try:
        return await asker.ask(Purpose.AUDIT, messages, query.tool_set.tools if query.tool_set else None, fields)
    except TeacherError as error:
        return error


def _is_failure(answer: TeacherAnswer | TeacherError) -> bool:
    return isinstance(answer, TeacherError) and not isinstance(answer, RequestRefused)


def _take(decision: RouterDecision, answer: TeacherAnswer | TeacherError, model: str, report: AuditReport) -> None:
    """Write down what came back, and count it."""
    report.asked += 1
    if isinstance(answer, RequestRefused):
        logger.warning("The audit of %s is given up: %s", decision.pk, answer)
        RouterDecision.objects.filter(pk=decision.pk).update(audit_due=False, audit_request=None)
        report.given_up += 1
    elif isinstance(answer, TeacherError):
        report.failed += 1
        report.problem = str(answer)
    elif audited := audit_record(decision=decision, answer=answer, model=model):
        report.agreed += audited.agrees
        report.disagreed += not audited.agrees
        if not audited.agrees and not audited.switched_off:
            look_closer(decision=decision)
        for switch_off in audited.switched_off:
            report.switched_off.append(f"{switch_off} is switched off: {switch_off.reason}")
            logger.error("%s", report.switched_off[-1])
