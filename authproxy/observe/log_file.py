"""A log file that others move away or delete: `logrotate`, by name, with a signal or without.

Rules of this file: nothing that happens to the file holds up a request or ends the program. What
cannot be written is lost, counted by the LogStream above, and said on stderr: once for each time
that it begins.
"""

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from authproxy.system.offers import open_flags

LOOK_EVERY_S = 1.0
"""How often to see whether the file is still where it was: rotation without a signal."""
MODE = 0o600
"""Of a file that we make. One that is there keeps its own, such as one of logrotate's `create`."""
# Not waiting is for named pipes: opening one that nobody reads would wait for a reader.
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT
_FLAGS |= open_flags("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_BINARY")


class LogFile:
    """File that a LogStream sends its bytes to. Raises OSError when it is made and cannot be
    opened."""

    def __init__(
        self,
        path: Path,
        complain: Callable[[str], object],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self._complain = complain
        self._now = now
        self._is_broken = False
        self._look_at = 0.0
        self._fd = -1
        self._identity = (0, 0)
        self._open()

    def __call__(self, data: bytes) -> int:
        """Write what goes of it, and say how much. Raises OSError, of which somebody was told."""
        try:
            if self._now() >= self._look_at:
                self._look()
            sent = os.write(self._fd, data)
        except BlockingIOError:
            raise
        except OSError as error:
            self._tell(error)
            raise
        self._is_broken = False
        return sent

    def reopen(self) -> None:
        """It was moved away: go on in a new one of the old name."""
        try:
            self._open()
        except OSError as error:
            self._tell(error)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _look(self) -> None:
        self._look_at = self._now() + LOOK_EVERY_S
        here = None
        with contextlib.suppress(FileNotFoundError):
            found = self.path.stat()
            here = (found.st_dev, found.st_ino)
        if self._fd < 0 or here != self._identity:
            self._open()

    def _open(self) -> None:
        self.close()
        self._look_at = self._now() + LOOK_EVERY_S
        fd = os.open(self.path, _FLAGS, MODE)
        opened = os.fstat(fd)
        self._fd, self._identity = fd, (opened.st_dev, opened.st_ino)

    def _tell(self, error: OSError) -> None:
        if not self._is_broken:
            self._is_broken = True
            self._complain(
                f"cannot write to the log file {self.path}: {error.strerror}; its lines are lost"
                " until this is mended"
            )

    def __repr__(self) -> str:
        return f"<LogFile {self.path}{' [broken]' if self._is_broken else ''}>"
