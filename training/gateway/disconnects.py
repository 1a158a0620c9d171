"""Work that ends when the client goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from starlette.types import Receive


class ClientGone(Exception):
    """The client closed its connection before it had the answer."""


async def until_disconnected(receive: Receive, work: Awaitable[None]) -> None:
    """Do the work in this task, beside one that watches the client and cancels this one when it goes away.

    Raises:
        ClientGone: it went away first.
    """
    task = asyncio.current_task()
    assert task is not None
    watcher = asyncio.create_task(_cancel_when_gone(receive, task))
    try:
        await work
    except asyncio.CancelledError:
        if not watcher.done():
            raise
        task.uncancel()
        raise ClientGone from None
    finally:
        watcher.cancel()


async def _cancel_when_gone(receive: Receive, task: asyncio.Task[object]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    task.cancel()
