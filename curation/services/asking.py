"""Asking a teacher for ODIA's own purposes, within its limits: places, pace, budget, and what it says of waiting."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx
from asgiref.sync import sync_to_async
from django.utils import timezone

from curation.errors import OdiaError
from curation.models import Application, Teacher
from curation.models.traffic import Purpose
from curation.services.pacing import moment_take, teacher_rest
from curation.services.places import Places, places_of
from curation.services.spending import Reservation, spending_release, spending_reserve, spending_settle
from curation.teachers.openai_api import (
    NO_FIELDS,
    TeacherAnswer,
    TeacherEndpoint,
    TeacherError,
    ask,
    check_connection,
    check_tools,
)
from curation.teachers.secrets import SecretError, read_key

FIRST_LOOK_SECONDS, LONGEST_LOOK_SECONDS = 0.05, 1.0
LONG_SECONDS = 5.0
"""A wait of so long is worth telling."""
BYTES_OF_A_TOKEN = 2
"""Fewer than of any language and tokeniser that is usual: what is reserved must not be too little."""
COMPLETION_TOKENS = 500
"""Reserved for an answer, as long as no longer one was seen."""


class BudgetSpent(Exception):
    """The budget of the month has no room for another request."""


def teacher_of(application: Application) -> tuple[Teacher, TeacherEndpoint]:
    """The application's teacher, and where it is reached.

    Raises:
        OdiaError: there is none, or its key cannot be read.
    """
    teacher = Teacher.objects.filter(application=application).first()
    if teacher is None:
        raise OdiaError(f"{application} has no teacher; set one in the settings or with `manage.py set_teacher`.")
    try:
        return teacher, TeacherEndpoint(teacher.base_url, teacher.model, read_key(teacher.api_key_env))
    except SecretError as error:
        raise OdiaError(str(error)) from error


class Asker:
    """Asks one teacher, many times at once. Where its turn is further off than `patience` seconds, it is not asked."""

    def __init__(
        self, teacher: Teacher, endpoint: TeacherEndpoint, places: Places, patience: float | None = None
    ) -> None:
        self.teacher = teacher
        self._endpoint = endpoint
        self._places = places
        self._patience = patience
        self._pace = asyncio.Lock()
        self._left_alone_until = 0.0
        self._longest = (0, COMPLETION_TOKENS)
        """The most tokens of a prompt and of an answer so far."""
        self.rests_until: datetime | None = None
        """While requests wait for long: until when."""
        self._client = httpx.AsyncClient(limits=httpx.Limits(max_connections=None))

    @property
    def model(self) -> str:
        return self._endpoint.model

    def problem(self) -> str | None:
        """What is wrong with the teacher, as two very short requests show; None if nothing is."""
        return check_connection(self._endpoint) or check_tools(self._endpoint)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def ask(
        self,
        purpose: Purpose,
        messages: Sequence[dict[str, Any]],
        tools: Sequence[dict[str, Any]] | None,
        fields: Mapping[str, Any] = NO_FIELDS,
    ) -> TeacherAnswer:
        """One answer, when its turn comes.

        Raises:
            TeacherError: as `ask`; or its turn is too far off.
            BudgetSpent: nothing was asked.
        """
        async with self._place(first=purpose == Purpose.AUDIT):
            reservation = await self._reserve(purpose, messages, tools)
            try:
                await self._moment()
                answer = await ask(self._client, self._endpoint, messages, tools, fields, self.teacher.timeout_seconds)
            except TeacherError as error:
                await self._failed(reservation, error)
                raise
            await self._answered(reservation, answer)
            return answer

    @asynccontextmanager
    async def _place(self, first: bool) -> AsyncIterator[None]:
        place = await (self._first_place() if first else self._next_place(first=False))
        try:
            yield
        finally:
            await sync_to_async(self._places.leave)(place)

    async def _first_place(self) -> int:
        """Audits come before labels, which would take each place again as soon as it is free: audits keep wrong
        answers away."""
        await sync_to_async(self._places.claim)()
        try:
            return await self._next_place(first=True)
        finally:
            await sync_to_async(self._places.withdraw)()

    async def _next_place(self, *, first: bool) -> int:
        seconds = FIRST_LOOK_SECONDS
        while (place := await sync_to_async(self._places.take)(first=first)) is None:
            await asyncio.sleep(seconds)
            seconds = min(2 * seconds, LONGEST_LOOK_SECONDS)
        return place

    async def _moment(self) -> None:
        """Wait for a moment of the teacher's pace, one request after the other: those of another process that come
        meanwhile find the next moment but one free."""
        async with self._pace:
            await self._next_moment()

    async def _next_moment(self) -> None:
        """One that the teacher has asked to let pass does not count."""
        while True:
            seconds = await sync_to_async(moment_take)(teacher=self.teacher, within=self._patience)
            if seconds is None:
                raise TeacherError("The teacher has asked to be left alone for now.", retryable=True)
            self.rests_until = timezone.now() + timedelta(seconds=seconds) if seconds > LONG_SECONDS else None
            await asyncio.sleep(seconds)
            if time.monotonic() >= self._left_alone_until:
                return

    async def _reserve(
        self, purpose: Purpose, messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]] | None
    ) -> Reservation:
        written = len(json.dumps([messages, tools], ensure_ascii=False).encode("utf-8", "surrogatepass"))
        reservation = await sync_to_async(spending_reserve)(
            teacher=self.teacher,
            purpose=purpose,
            prompt_tokens=max(written // BYTES_OF_A_TOKEN, self._longest[0]),
            completion_tokens=self._longest[1],
        )
        if reservation is None:
            raise BudgetSpent
        return reservation

    async def _failed(self, reservation: Reservation, error: TeacherError) -> None:
        """What the teacher asks for comes first: others are about to send."""
        if error.retry_after is not None:
            self._left_alone_until = max(self._left_alone_until, time.monotonic() + error.retry_after)
            await sync_to_async(teacher_rest)(teacher=self.teacher, seconds=error.retry_after)
        if not error.billed:
            await sync_to_async(spending_release)(reservation=reservation)

    async def _answered(self, reservation: Reservation, answer: TeacherAnswer) -> None:
        """Where the teacher does not say what it used, what was reserved stands."""
        if answer.prompt_tokens is None or answer.completion_tokens is None:
            return
        used = (answer.prompt_tokens, answer.completion_tokens)
        self._longest = (max(self._longest[0], used[0]), max(self._longest[1], used[1]))
        await sync_to_async(spending_settle)(reservation=reservation, prompt_tokens=used[0], completion_tokens=used[1])


@contextmanager
def asker_of(application: Application, patience: float | None = None) -> Iterator[Asker]:
    """Raises OdiaError, as `teacher_of`. The asker is to be closed in the event loop that used it."""
    teacher, endpoint = teacher_of(application)
    with places_of(teacher) as places:
        yield Asker(teacher, endpoint, places, patience)
