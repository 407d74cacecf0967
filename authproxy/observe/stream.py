"""Stream of log lines: out at once if that takes no waiting, else kept, at worst left out.

A log's reader may be slow or stuck: a full pipe, a terminal stopped by Ctrl-S, a collector that
restarts. The event loop must not wait for it, because every request would wait too.
"""

import asyncio
import contextlib
import logging
import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TextIO

from authproxy.system.offers import open_flags

logger = logging.getLogger(__name__)

Send = Callable[[bytes], int]
"""Writes what it can of the bytes and says how many. Raises OSError."""

CAPACITY = 1024 * 1024
RETRY_S = 0.05


class LogStream:
    """Takes whole lines from any thread. Whatever becomes of their reader raises nothing here."""

    def __init__(self, send: Send, *, encoding: str = "utf-8", capacity: int = CAPACITY) -> None:
        self._send = send
        self._encoding = encoding
        self._capacity = capacity
        self._lock = threading.Lock()
        self._lines: list[str] = []
        self._size = 0
        self._rest = b""
        """Of what was sent before, what did not go out then."""
        self._inside_line = False
        """What went out last was not the end of a line."""
        self._left_out = 0
        self._is_trying_again = False

    def write(self, text: str) -> int:
        """Keep `text` for the next flush, or leave it out where too much waits already."""
        with self._lock:
            if self._size > self._capacity:
                self._left_out += text.count("\n")
            else:
                self._lines.append(text)
                self._size += len(text)
        return len(text)

    def flush(self) -> None:
        """Write what goes without waiting; the event loop tries again with the rest."""
        with self._lock:
            left_out = self._left_out if self._flush() else 0
            self._left_out -= left_out
        if self._rest:
            self._try_again_soon()
        if left_out:
            logger.warning(
                "%d log lines were dropped: the reader of the log was too slow or gone",
                left_out,
                extra={"left_out": left_out},
            )

    def drain(self, patience_s: float) -> None:
        """Give the reader this long for what still waits. Blocks: only for the program's end."""
        deadline = time.monotonic() + patience_s
        self.flush()
        while self._rest and time.monotonic() < deadline:
            time.sleep(RETRY_S)  # noqa: TID251 -- no loop runs any more
            self.flush()

    def _flush(self) -> bool:
        """Whether everything is out."""
        fresh = "".join(self._lines).encode(self._encoding, "backslashreplace")
        data = self._rest + fresh
        if fresh and self._inside_line and not self._rest:
            data = b"\n" + fresh  # the line's other half was left out
        self._lines.clear()
        try:
            sent = self._send(data) if data else 0
        except BlockingIOError:
            sent = 0
        except OSError:  # the reader is gone, or the disk is full
            self._left_out += (self._rest + fresh).count(b"\n")
            self._rest, self._size = b"", 0
            return False
        if sent:
            self._inside_line = data[sent - 1 : sent] != b"\n"
        self._rest = data[sent:]
        self._size = len(self._rest)
        return not self._rest

    def _try_again_soon(self) -> None:
        # In a thread without a loop nobody tries: the next line does, or the program's end.
        with contextlib.suppress(RuntimeError):
            if not self._is_trying_again:
                asyncio.get_running_loop().call_later(RETRY_S, self._try_again)
                self._is_trying_again = True

    def _try_again(self) -> None:
        self._is_trying_again = False
        self.flush()

    def __repr__(self) -> str:
        return f"<LogStream [{self._size} bytes to write, {self._left_out} lines left out]>"


def open_stream(
    stream: TextIO | None, whole: Callable[[Send], Send] = lambda send: send
) -> LogStream:
    """To where `stream` leads, such as stderr; None, which stands for a closed one, is nowhere.

    `whole` keeps lines whole where other processes write there, too.
    """
    if stream is None:
        return LogStream(len)
    return LogStream(whole(_sender(stream.fileno())), encoding=stream.encoding)


def _sender(fd: int) -> Send:
    """How to write to `fd` without waiting. A file's disk is never waited for, by any program."""
    mode = os.fstat(fd).st_mode
    if stat.S_ISSOCK(mode):
        sock = socket.socket(fileno=os.dup(fd))
        at_once: int = getattr(socket, "MSG_DONTWAIT", 0)
        return lambda data: sock.send(data, at_once)
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        # O_NONBLOCK on `fd` itself would reach everybody who shares it, such as the user's shell.
        with contextlib.suppress(OSError):
            flags = os.O_WRONLY | open_flags("O_NONBLOCK", "O_NOCTTY")
            fd = os.open(f"/proc/self/fd/{fd}", flags)
    return partial(os.write, fd)
