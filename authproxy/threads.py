"""Blocking calls in threads that never keep the program from ending.

The pools behind `asyncio.to_thread` are joined when the interpreter exits: one hung call would hold
it up. These threads are daemons, one for each call; tokens are minted too rarely for a pool to pay.
"""

import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")

logger = logging.getLogger(__name__)

NOTE_AFTER_S = 2.0
DEADLINE_S = 30.0


class _NotWaitedFor(threading.Event):
    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(0 if timeout is None else timeout)


def begin(call: Callable[[], object], *, name: str) -> None:
    """Have a daemon thread run `call`. Raises RuntimeError where no thread can be had.

    `Thread.start` waits until the thread has said that it runs. One that finds no memory for its
    first step never says so, and whoever started it, the event loop, would wait for ever.
    """
    thread = threading.Thread(target=call, name=name, daemon=True)
    thread._started = _NotWaitedFor()  # type: ignore[attr-defined]  # -- there is no other way
    thread.start()


async def in_thread(call: Callable[..., Result], *args: object, name: str) -> Result:
    """Await `call(*args)`. When the waiter is cancelled the call runs on, unheard."""
    import asyncio  # not for those who need threads alone

    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(setter: Callable[[Any], None], value: object) -> None:
        if not future.done():
            setter(value)

    def run() -> None:
        outcome: tuple[Callable[[Any], None], object]
        try:
            outcome = (future.set_result, call(*args))
        except BaseException as error:  # noqa: BLE001 -- it is handed to whoever waits
            outcome = (future.set_exception, error)
        try:
            loop.call_soon_threadsafe(settle, *outcome)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    begin(run, name=name)
    return await future


def within(
    call: Callable[[], Result],
    what: str,
    *,
    deadline_s: float = DEADLINE_S,
    note_after_s: float = NOTE_AFTER_S,
) -> Result:
    """`call()` for who must wait for it: with a word in the log when it takes long.

    Raises what it raises, and TimeoutError after `deadline_s`; the call runs on, unheard.
    """
    outcome: list[tuple[bool, Any]] = []
    ended = threading.Event()

    def run() -> None:
        try:
            outcome.append((True, call()))
        except BaseException as error:  # noqa: BLE001 -- it is raised to whoever waits
            outcome.append((False, error))
        ended.set()

    try:
        begin(run, name=what)
    except RuntimeError:  # no thread can be had: then without a bound
        run()
    if not ended.wait(min(note_after_s, deadline_s)):
        logger.warning("still waiting for %s", what)
        if not ended.wait(deadline_s - note_after_s):
            raise TimeoutError
    worked, value = outcome[0]
    if not worked:
        raise value
    result: Result = value
    return result
