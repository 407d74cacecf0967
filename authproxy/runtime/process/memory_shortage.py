"""A shortage of memory ends what it hits, a connection or a request, and never the process.

asyncio hands on what a callback raises to the log. What it finds no memory for itself, as the list
of the sockets that have something to say, ends the loop, and with it everything.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

from authproxy.event_loop import LoopFactory

logger = logging.getLogger(__name__)

PAUSE_S = 0.05
"""For others to let go of some."""
QUIET_S = 60.0
"""At most one line in so many seconds."""


def going_on(
    make: LoopFactory,
    *,
    pause: Callable[[float], object] = time.sleep,  # noqa: TID251 -- the loop cannot run meanwhile
    clock: Callable[[], float] = time.monotonic,
) -> LoopFactory:
    """The loops that `make` makes; where one of them lacks memory for its own doings, it goes on
    after a moment. What it has not looked at yet, the system tells it again."""

    def made() -> asyncio.AbstractEventLoop:
        loop = make()
        run = loop.run_until_complete
        quiet_until = float("-inf")

        def run_until_complete(future: Any) -> Any:
            nonlocal quiet_until
            work = asyncio.ensure_future(future, loop=loop)  # noqa: TID251 -- the runner's own
            while True:
                try:
                    return run(work)
                except MemoryError:
                    if work.done():
                        raise
                    with contextlib.suppress(MemoryError):
                        pause(PAUSE_S)
                        if clock() >= quiet_until:
                            quiet_until = clock() + QUIET_S
                            logger.error("no memory is left: requests wait, and some fail")

        loop.run_until_complete = run_until_complete  # type: ignore[method-assign]  # -- to go on
        return loop

    return made
