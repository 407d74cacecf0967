"""The one place that starts asyncio tasks: each has a name, an owner and a reference. And timers.

An asyncio task without a reference may be collected while it runs, and its exception is lost. Who
needs timers gets a `CallLater` handed in; tests bring one of their own.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

logger = logging.getLogger(__name__)

Result = TypeVar("Result")


class Timer(Protocol):
    """Handle of a timer, as `call_later` returns it."""

    def cancel(self) -> None:
        """The callback is not called any more. Does nothing when it was already, or twice."""


CallLater = Callable[[float, Callable[[], None]], Timer]


def loop_call_later(delay_s: float, callback: Callable[[], None]) -> Timer:
    """By the loop's clock, which stands still while a laptop sleeps."""
    return asyncio.get_running_loop().call_later(delay_s, callback)


class Tasks:
    """Tasks that end with their owner."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def start(self, coroutine: Coroutine[Any, Any, Result], *, name: str) -> asyncio.Task[Result]:
        """Run `coroutine`, for those who wait for it."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def spawn(self, coroutine: Coroutine[Any, Any, None], *, name: str) -> None:
        """Run `coroutine`, which nobody waits for; should it fail, the log says so."""
        task = self.start(coroutine, name=name)
        task.add_done_callback(_log_failure)

    async def settle(self, seconds: float) -> None:
        """Wait until all have ended, but no longer than `seconds`."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)

    async def cancel(self) -> None:
        """Cancel what still runs and wait until it ended."""
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)

    def __len__(self) -> int:
        return len(self._running)

    def __repr__(self) -> str:
        return f"<Tasks [{len(self._running)} running]>"


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.error("%s failed", task.get_name(), exc_info=task.exception())
