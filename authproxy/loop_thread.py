"""An event loop in a thread of its own, for programs that have none, or several one after another.

What runs there is asked from any thread: one that may wait, or another loop. The thread is a
daemon, so it keeps no program from ending. In a process made by `os.fork` there are no threads but
one: `on_fork` says so, and the owner starts anew.
"""

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from authproxy.event_loop import LoopFactory

Result = TypeVar("Result")

STOP_S = 10.0
"""How long the end of what runs there is waited for."""


class LoopThread:
    """Runs from its making until `stop`."""

    def __init__(self, name: str, loops: LoopFactory | None = None) -> None:
        """`loops` makes its event loop; asyncio's own by default."""
        self._runner = asyncio.Runner(loop_factory=loops or asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        self._end: asyncio.Future[Coroutine[Any, Any, object]] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, Result]) -> "Future[Result]":
        """Start `work` there. To cancel the future cancels the work."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def stop(self, last: Coroutine[Any, Any, object]) -> None:
        """Run `last`, cancel what still runs then, and wait for the end. A second time does
        nothing, nor does it in a forked process, which has no such thread.

        From the thread itself, where the garbage collector may call it, the end is not waited for.
        """
        if not self._thread.is_alive():
            last.close()
        elif threading.current_thread() is self._thread:
            self._let_go(last)
        else:
            self._loop.call_soon_threadsafe(self._let_go, last)
            self._thread.join(STOP_S)

    def _let_go(self, last: Coroutine[Any, Any, object]) -> None:
        if self._end.done():
            last.close()
        else:
            self._end.set_result(last)

    def _run(self) -> None:
        with self._runner as runner:
            runner.run(self._wait())

    async def _wait(self) -> None:
        await (await self._end)

    def __repr__(self) -> str:
        state = "running" if self._thread.is_alive() else "ended"
        return f"<LoopThread {self._thread.name} [{state}]>"


def on_fork(start_anew: Callable[[], object]) -> None:
    """Have `start_anew`, a method, called in each process that is forked off from this one."""
    method = weakref.WeakMethod(start_anew)

    def forked() -> None:
        found = method()
        if found is not None:
            found()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=forked)
