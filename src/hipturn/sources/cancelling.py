"""Cancellation that is not lost."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def heeding(call: Awaitable[T]) -> T:
    """Await `call`; raise CancelledError if this task was cancelled meanwhile and the call swallowed it.

    `asyncio.wait_for` of Python 3.11 does, when what it waits for is done at that very moment
    (https://github.com/python/cpython/issues/86296), and Bluetooth stacks use it in every request.
    """
    task = asyncio.current_task()
    cancels = task.cancelling() if task else 0
    try:
        return await call
    finally:
        if task and task.cancelling() > cancels:
            raise asyncio.CancelledError
