"""The client's side: one JSON-RPC message a line, in by stdin, out by stdout.

Nothing else may appear on stdout. So both descriptors are taken away from the rest of the program:
what prints by mistake prints to stderr, and what reads finds nothing. Reading and writing wait in
threads, because neither a pipe nor a socket nor a file may be switched to not waiting without all
who share it being switched.
"""

import asyncio
import os
import select
import sys
import threading
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError

from authproxy.threads import in_thread

CHUNK = 256 * 1024


class Stdio:
    """Lines of a client."""

    def __init__(self, reads: int, writes: int) -> None:
        """Take both descriptors, which nobody else may use."""
        self._reads = reads
        self._writes = writes
        self._turn = asyncio.Lock()
        self.gone = asyncio.Event()
        """The client does not read any more."""

    async def lines(self) -> AsyncIterator[bytes]:
        """Until the client ends its side. The next is read when one has been taken."""
        loop = asyncio.get_running_loop()
        lines: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        # Read for as long as the program runs, and left behind with it: such a wait has no end.
        reader = threading.Thread(
            target=_read, args=(self._reads, loop, lines), name="stdin", daemon=True
        )
        reader.start()
        while (line := await lines.get()) is not None:
            if line.strip():
                yield line

    async def write(self, message: bytes) -> None:
        """Write one message. Waits while the client does not read."""
        async with self._turn:
            if self.gone.is_set():
                return
            try:
                await in_thread(_write, self._writes, message + b"\n", name="stdout")
            except OSError:
                self.gone.set()

    def __repr__(self) -> str:
        return f"<Stdio [client {'gone' if self.gone.is_set() else 'here'}]>"


def take_descriptors() -> tuple[int, int]:
    """Those of stdin and stdout, from now on ours alone."""
    nothing = os.open(os.devnull, os.O_RDWR)
    while (
        nothing < 3
    ):  # the client has closed one of the three, and nothing else may get its number
        nothing = os.dup(nothing)
    reads, writes = os.dup(0), os.dup(1)
    os.dup2(nothing, 0)
    if sys.stdout is not None:
        sys.stdout.flush()
    os.dup2(2, 1)
    os.close(nothing)
    return reads, writes


def _read(fd: int, loop: asyncio.AbstractEventLoop, lines: "asyncio.Queue[bytes | None]") -> None:
    """Hand over line by line, and None at the end."""
    begun: list[bytes] = []
    try:
        while data := _read_some(fd):
            first, *more = data.split(b"\n")
            begun.append(first)
            for part in more:
                _hand_over(b"".join(begun), loop, lines)
                begun = [part]
        _hand_over(b"".join(begun), loop, lines)
        _hand_over(None, loop, lines)
    except (RuntimeError, CancelledError):
        return  # the loop has ended, or is about to


def _hand_over(
    line: bytes | None, loop: asyncio.AbstractEventLoop, lines: "asyncio.Queue[bytes | None]"
) -> None:
    asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()


def _read_some(fd: int) -> bytes:
    while True:
        try:
            return os.read(fd, CHUNK)
        except BlockingIOError:  # it came to us like this
            select.select([fd], [], [])
        except OSError:
            return b""


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:
            select.select([], [fd], [])
