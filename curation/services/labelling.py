"""Labelling: the teacher asked about many queries, each answer stored as it arrives.

A job that is begun again goes on with what is left; each answer is stored once, whatever dies meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from contextlib import aclosing
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async

from curation.errors import OdiaError
from curation.models import Job, Unusable
from curation.models.labelling import LabelChoices, Scope
from curation.selectors.spending import budget_in_words
from curation.services.asking import Asker, BudgetSpent, asker_of
from curation.services.jobs import Report
from curation.services.label_backlog import Backlog, Wanted
from curation.services.labels import label_record, unusable_record
from curation.teachers.openai_api import NO_FIELDS, RequestRefused, TeacherAnswer, TeacherError, UnreadableAnswer

logger = logging.getLogger(__name__)

MOST_TRIES = 12
"""After so many failures in a row a query is given up: the teacher fails at this one."""
REFUSALS_IN_A_ROW = 20
"""So many queries refused, and none answered between: it is not the queries."""
PATIENCE_SECONDS = 600.0
"""Without any answer for so long, the job fails."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
TICK_SECONDS = 1.0


def label(*, job: Job, report: Report) -> dict[str, Any]:
    """Do a labelling job; `job.parameters` are `LabelChoices`.

    Returns:
        How many queries are answered, `unusable` (no usable answer) and `left`, and in `stopped` why any are left.

    Raises:
        OdiaError: there is no teacher; or it refuses its key, knows no such model, is no such API, refuses everything,
            or has not answered for ten minutes. What was answered is kept.
    """
    application, choices = job.application, LabelChoices.from_json(job.parameters)
    backlog = Backlog(job, choices)
    with asker_of(application) as asker:
        labelling = _Labelling(asker, backlog, report)
        try:
            async_to_sync(labelling.run)()
        except ExceptionGroup as group:
            raise _first(group) from group
    left = backlog.count_left()
    refused = Unusable.objects.filter(query__gte=choices.first, query__lte=choices.last, asked_at__gte=job.created_at)
    unusable = refused.filter(application=application).count() if choices.scope != Scope.AGAIN else 0
    answered = max(choices.requests - left - unusable, 0)
    return {"answered": answered, "unusable": unusable, "left": left, "stopped": labelling.stopped}


def _first(group: ExceptionGroup) -> Exception:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error


class _Labelling:
    """The requests under way at a time, and what their failures together mean."""

    def __init__(self, asker: Asker, backlog: Backlog, report: Report) -> None:
        self._asker = asker
        self._backlog = backlog
        self._report = report
        choices = backlog.choices
        self._fields = NO_FIELDS if choices.temperature is None else {"temperature": choices.temperature}
        self._total = choices.requests
        self._left = backlog.count_left()
        self._answered = self._refused = self._refused_in_a_row = self._working = 0
        self._problem = ""
        self._heard_at = self._began_at = time.monotonic()
        self.stopped = ""

    async def run(self) -> None:
        async with aclosing(self._asker), asyncio.TaskGroup() as group:
            telling = group.create_task(self._tell_again_and_again())
            self._working = self._asker.teacher.concurrency
            workers = [group.create_task(self._work()) for _ in range(self._working)]
            await asyncio.gather(*workers)
            telling.cancel()

    async def _work(self) -> None:
        while (wanted := await sync_to_async(self._backlog.take)()) is not None:
            try:
                await self._ask(wanted)
            except BudgetSpent:
                self._backlog.give_back(wanted)
                break
        self._working -= 1
        if not self._working and await sync_to_async(self._backlog.take)() is not None:
            await self._say_budget()

    async def _say_budget(self) -> None:
        """The last one at work knows that nothing that is under way will leave room."""
        words = await sync_to_async(budget_in_words)(self._asker.teacher)
        self.stopped = f"The budget of this month has no room for another request: {words} are used."

    async def _ask(self, wanted: Wanted) -> None:
        """Until there is an answer, or it is given up."""
        query = wanted.query
        messages = [*query.context, {"role": "user", "content": query.text}]
        for failures in range(1, MOST_TRIES + 1):
            try:
                answer = await self._asker.ask(
                    self._backlog.choices.purpose, messages, wanted.tool_set.tools, self._fields
                )
            except TeacherError as error:
                self._hear_failure(error)
                if failures == MOST_TRIES or _is_refusal(error):
                    await self._give_up(wanted, error)
                    return
                await asyncio.sleep(_pause(failures, error))
            else:
                await self._keep(wanted, answer)
                return

    def _hear_failure(self, error: TeacherError) -> None:
        """Raises OdiaError where no other request would fare better."""
        self._problem = str(error)
        if not error.retryable and not isinstance(error, RequestRefused):
            raise OdiaError(str(error)) from error
        if time.monotonic() - self._heard_at > PATIENCE_SECONDS:
            minutes = round(PATIENCE_SECONDS / 60)
            raise OdiaError(
                f"The teacher has answered nothing for {minutes} minutes, so the job ends; what it answered is kept. "
                f"Start it again when the teacher answers. {error}"
            ) from error

    async def _keep(self, wanted: Wanted, answer: TeacherAnswer) -> None:
        self._heard_at, self._refused_in_a_row = time.monotonic(), 0
        await sync_to_async(label_record)(
            query=wanted.query,
            answer=answer,
            model=self._asker.model,
            scope=self._backlog.choices.scope,
            tool_set=wanted.tool_set,
            mark=wanted.mark,
        )
        self._answered += 1
        await sync_to_async(self._tell)()

    async def _give_up(self, wanted: Wanted, error: TeacherError) -> None:
        self._refused += 1
        self._refused_in_a_row += 1
        if self._refused_in_a_row >= REFUSALS_IN_A_ROW:
            raise OdiaError(f"The teacher gave no usable answer to {REFUSALS_IN_A_ROW} queries in a row: {error}")
        logger.warning("No usable answer to the query %s: %s", wanted.query.pk, error)
        if self._backlog.choices.scope != Scope.AGAIN:
            await sync_to_async(unusable_record)(query=wanted.query, reason=str(error))
        await sync_to_async(self._tell)()

    async def _tell_again_and_again(self) -> None:
        """So that a wish to stop is heard while everything waits."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            await sync_to_async(self._tell)()

    def _tell(self) -> None:
        """Raises JobCancelled."""
        done = self._answered + self._refused
        before = self._total - self._left
        words = [f"{before + self._answered:,} of {self._total:,} answered"]
        if self._refused:
            words.append(f"{self._refused:,} without a usable answer")
        seconds = time.monotonic() - self._began_at
        if self._answered and seconds > TICK_SECONDS:
            words.append(f"about {60 * self._answered / seconds:,.0f} a minute")
        sentence = ", ".join(words) + "."
        if self._problem and time.monotonic() - self._heard_at > 10 * TICK_SECONDS:
            sentence = f"{sentence} It waits for the teacher: {self._problem}"
        self._report("Asking the teacher", min((before + done) / max(self._total, 1), 1.0), sentence)


def _is_refusal(error: TeacherError) -> bool:
    """Of this very request, and for good."""
    return isinstance(error, RequestRefused) and not isinstance(error, UnreadableAnswer)


def _pause(failures: int, error: TeacherError) -> float:
    """Exponential back-off with full jitter (Brooker, “Exponential Backoff And Jitter”, 2015); at least what the
    teacher asks for."""
    longest = min(FIRST_PAUSE_SECONDS * 2.0 ** (failures - 1), LONGEST_PAUSE_SECONDS)
    return (error.retry_after or 0.0) + random.uniform(0.0, longest)
