"""Warnings that anybody can cause, and which must not fill the log."""

import logging
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

QUIET_S = 60.0
"""At most one line of each kind is written to the log in so many seconds."""


class Seldom:
    """Warnings of one kind."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._quiet_until = float("-inf")
        self._unsaid = 0

    def warn(self, text: str) -> None:
        now = self._clock()
        if now < self._quiet_until:
            self._unsaid += 1
            return
        more = f"; and {self._unsaid:,} more since the last such line" if self._unsaid else ""
        self._quiet_until, self._unsaid = now + QUIET_S, 0
        logger.warning("%s%s", text, more)

    def __repr__(self) -> str:
        return f"<Seldom [{self._unsaid} unsaid]>"
