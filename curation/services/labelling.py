"""Labelling: the teacher asked about many queries, each answer stored as it arrives.

A job that is begun again goes on with what is left; each answer is stored once, whatever dies meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing
from itertools import islice
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.db import transaction

from curation.errors import NothingToDo, OdiaError
from curation.models import Application, Job
from curation.models.jobs import JobKind, Trigger
from curation.models.labelling import LabelChoices, Scope
from curation.selectors.jobs import UNDER_WAY
from curation.selectors.spending import budget_in_words
from curation.services.asking import Asker, BudgetSpent, asker_of, teacher_of
from curation.services.jobs import Report, job_create
from curation.services.label_backlog import Backlog, Wanted
from curation.services.label_failures import Failures, Tries, pause_after
from curation.services.labels import label_record, unusable_record
from curation.teachers.openai_api import NO_FIELDS, TeacherAnswer, TeacherError, check_connection

logger = logging.getLogger(__name__)

TICK_SECONDS = 1.0
SILENT_SECONDS = 10.0
"""Without an answer for so long, the job says why."""
BY_PEOPLE = (Trigger.PAGE, Trigger.ADMIN, Trigger.COMMAND)
TRIES = 3
NO_ROOM_IN_A_ROW = 20
"""For so many requests one after the other the budget has no room: they are not large ones, it is spent."""


def label_job_create(
    *,
    application: Application,
    choices: LabelChoices,
    trigger: Trigger,
    user: User | None = None,
    task: str = "",
) -> Job:
    """A labelling job that waits; `task` as for `job_create`.

    Where a person waits for it, the teacher is tried first: a wrong address, key or model is told now, and not by a job
    of thousands.

    Raises:
        OdiaError: there is no teacher, or it does not answer.
        NothingToDo: it is being asked already; two jobs would pay for the same answers twice.
    """
    _, endpoint = teacher_of(application)
    if trigger in BY_PEOPLE and (problem := check_connection(endpoint, tries=TRIES)):
        raise OdiaError(f"Nothing was started. {problem}")
    return _created(application, choices, trigger, user, task)


@transaction.atomic
def _created(application: Application, choices: LabelChoices, trigger: Trigger, user: User | None, task: str) -> Job:
    Application.objects.select_for_update().get(pk=application.pk)
    if application.jobs.filter(kind=JobKind.LABEL, state__in=UNDER_WAY).exists():
        raise NothingToDo("The teacher is being asked already: wait until that job is over, or cancel it.")
    return job_create(
        application=application,
        kind=JobKind.LABEL,
        trigger=trigger,
        user=user,
        parameters=choices.as_json(),
        task=task,
    )


def label(*, job: Job, report: Report) -> dict[str, Any]:
    """Do a labelling job; `job.parameters` are `LabelChoices`.

    Returns:
        How many queries are answered, `unusable` (no usable answer) and `left`, and in `stopped` why any are left.

    Raises:
        OdiaError: there is no teacher; or it refuses its key, knows no such model, is no such API, refuses everything
            or all that came last, or has not answered for ten minutes. What was answered is kept.
    """
    application, choices = job.application, LabelChoices.from_json(job.parameters)
    backlog = Backlog(job, choices)
    with asker_of(application) as asker:
        labelling = _Labelling(asker, backlog, report)
        try:
            async_to_sync(labelling.run)()
        except ExceptionGroup as group:
            raise _first(group) from group
    return {
        "answered": labelling.answered,
        "unusable": backlog.count_unusable(),
        "left": backlog.count_left(labelling.answered),
        "stopped": labelling.stopped,
    }


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
        self._before = self._total - backlog.left
        self._answered = self._refused = self._working = 0
        self._failures = Failures()
        self._began_at = time.monotonic()
        self.stopped = ""

    @property
    def answered(self) -> int:
        """By all attempts."""
        return self._backlog.answered + self._answered

    async def run(self) -> None:
        async with aclosing(self._asker), asyncio.TaskGroup() as group:
            telling = group.create_task(self._tell_again_and_again())
            self._working = self._asker.teacher.concurrency
            workers = [group.create_task(self._work()) for _ in range(self._working)]
            await asyncio.gather(*workers)
            telling.cancel()
            if self._failures.doubtful:
                await self._prove()

    async def _work(self) -> None:
        no_room = 0
        while no_room < NO_ROOM_IN_A_ROW and (wanted := await sync_to_async(self._backlog.take)()) is not None:
            try:
                await self._ask(wanted)
            except BudgetSpent:
                self._backlog.give_back(wanted)
                no_room += 1
            else:
                no_room = 0
        self._working -= 1
        if not self._working:
            self.stopped = await sync_to_async(self._no_room)()

    def _no_room(self) -> str:
        """Why requests are left, if any are. The last one at work knows that none is under way that will leave room:
        few that are left have all been tried since."""
        left = sum(1 for _ in islice(iter(self._backlog.take, None), NO_ROOM_IN_A_ROW))
        if not left:
            return ""
        words = budget_in_words(self._asker.teacher)
        if left == NO_ROOM_IN_A_ROW:
            return f"The budget of this month has no room for another request: {words} are used."
        left_over = "The request that is left is" if left == 1 else f"The {left} requests that are left are"
        return f"{left_over} too large for the rest of this month’s budget: {words} are used."

    async def _ask(self, wanted: Wanted) -> None:
        """Until there is an answer, or it is given up."""
        query, tries = wanted.query, Tries()
        messages = [*query.context, {"role": "user", "content": query.text}]
        while True:
            try:
                answer = await self._asker.ask(
                    self._backlog.choices.purpose, messages, wanted.tool_set.tools, self._fields
                )
            except TeacherError as error:
                if self._failures.hear(wanted, tries, error):
                    self._refused += 1
                    await self._note_unusable()
                    return
                await asyncio.sleep(pause_after(tries, error))
            else:
                await self._keep(wanted, answer)
                return

    async def _keep(self, wanted: Wanted, answer: TeacherAnswer) -> None:
        self._failures.answered()
        await sync_to_async(label_record)(
            query=wanted.query,
            answer=answer,
            model=self._asker.model,
            scope=self._backlog.choices.scope,
            tool_set=wanted.tool_set,
            mark=wanted.mark,
        )
        self._answered += 1
        await self._note_unusable()
        await sync_to_async(self._tell)()

    async def _prove(self) -> None:
        """A teacher that answers something else leaves the blame with the last queries that were given up."""
        if await sync_to_async(self._asker.problem)() is None:
            self._failures.answered()
            await self._note_unusable()
        self._failures.end()

    async def _note_unusable(self) -> None:
        for given_up in self._failures.proven():
            query = given_up.wanted.query
            logger.warning("No usable answer to the query %s: %s", query.pk, given_up.reason)
            if self._backlog.choices.scope != Scope.AGAIN:
                await sync_to_async(unusable_record)(query=query, reason=given_up.reason)

    async def _tell_again_and_again(self) -> None:
        """So that a wish to stop is heard while everything waits."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            await sync_to_async(self._tell)()

    def _tell(self) -> None:
        """Raises JobCancelled."""
        done = self._answered + self._refused
        words = [f"{self.answered:,} of {self._total:,} answered"]
        if self._refused:
            words.append(f"{self._refused:,} without a usable answer")
        seconds = time.monotonic() - self._began_at
        if self._answered and seconds > TICK_SECONDS:
            words.append(f"about {60 * self._answered / seconds:,.0f} a minute")
        sentence = f"{', '.join(words)}. {self._waits_for()}".strip()
        self._report("Asking the teacher", min((self._before + done) / max(self._total, 1), 1.0), sentence)

    def _waits_for(self) -> str:
        """Why nothing comes for so long; empty if something does."""
        if self._asker.rests_until:
            return f"It waits until {self._asker.rests_until:%H:%M} UTC, as the teacher asked."
        if self._failures.problem and time.monotonic() - self._failures.heard_at > SILENT_SECONDS:
            return f"It waits for the teacher: {self._failures.problem}"
        return ""
