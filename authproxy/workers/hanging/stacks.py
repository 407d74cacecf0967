"""Stacks of workers: where the code of one is, even if it listens to nobody.

A signal has faulthandler write that, which takes no turn of the event loop and no GIL. It writes
to memory that all processes have, since a line in the midst of their log would be none of it. Names
of files and functions are all that is in it.
"""

import asyncio
import faulthandler
import os
import re
import signal
from collections.abc import Callable
from itertools import islice

from authproxy.workers.counts.shared_memory import make_memory

LOOK_S, LOOKS = 0.1, 10
"""It is written within milliseconds, by a process that the system lets run."""
MOST_BYTES = 64 * 1024
MOST_CALLS = 8
_CALL = re.compile(r'^  File "(.*)", line (\d+) in (.*)$', re.MULTILINE)


class Stacks:
    """As one process sees them."""

    def __init__(self, descriptor: int | None = None) -> None:
        """`descriptor`: of what was made for it, in another process."""
        self.descriptor = make_memory(0) if descriptor is None else descriptor

    def tell_when_asked(self) -> None:
        """From now on this process does so. In the main thread."""
        faulthandler.register(signal.SIGUSR2, file=self.descriptor)

    async def ask(self, send: Callable[[signal.Signals], object]) -> str:
        """What the process tells that `send` sends a signal to; empty if it does not run."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)  # all write where the one before has stopped
        os.truncate(self.descriptor, 0)
        send(signal.SIGUSR2)
        size = 0
        for _ in range(LOOKS):
            await asyncio.sleep(LOOK_S)
            before, size = size, os.fstat(self.descriptor).st_size
            if size and size == before:
                break
        return os.pread(self.descriptor, min(size, MOST_BYTES), 0).decode(errors="replace")

    def close(self) -> None:
        os.close(self.descriptor)

    def __repr__(self) -> str:
        return f"<Stacks [{self.descriptor}]>"


def innermost_calls(stack: str) -> str:
    """Of the main thread, which comes last in a `stack`; the innermost first, on one line."""
    main = stack.rpartition("\n\n")[2]
    return ", ".join(
        f"{'/'.join(file.split('/')[-2:])}:{line} {function}"
        for file, line, function in islice(map(re.Match.groups, _CALL.finditer(main)), MOST_CALLS)
    )
