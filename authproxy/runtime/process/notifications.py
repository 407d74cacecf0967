"""Notifications for systemd, sd_notify(3): authproxy is ready, lives, ends. Nothing without it."""

import asyncio
import logging
import os
import socket
from collections.abc import Mapping

from authproxy.system.offers import UNIX

logger = logging.getLogger(__name__)

READY, ALIVE, STOPPING = "READY=1", "WATCHDOG=1", "STOPPING=1"
PATIENCE_S = 2.0
"""With a systemd that is behind, for what it waits for: without READY a unit's start fails."""


class Notifications:
    """For a unit with Type=notify. WatchdogSec= has systemd end what has not said ALIVE in time."""

    def __init__(self, environ: Mapping[str, str], *, patience_s: float = PATIENCE_S) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._period_s = _watchdog_s(environ) / 2
        self._patience_s = patience_s
        self._failed = False

    def say(self, state: str) -> None:
        """It is no reason to end: systemd has its own ways not to hear us. Only READY waits."""
        if not self._address or UNIX is None:
            return
        try:
            with socket.socket(UNIX, socket.SOCK_DGRAM) as sock:
                sock.settimeout(self._patience_s if state == READY else 0)
                sock.sendto(state.encode(), self._address)
        except OSError as error:
            if not self._failed:
                logger.warning("cannot tell systemd %s: %s", state, error.strerror or error)
            self._failed = True
        else:
            self._failed = False

    async def keep_alive(self) -> None:
        """As long as the event loop turns, until cancelled; at once over where nobody watches."""
        while self._address and self._period_s:
            self.say(ALIVE)
            await asyncio.sleep(self._period_s)


def _watchdog_s(environ: Mapping[str, str]) -> float:
    """WatchdogSec= of the unit; 0 where there is none, or where it watches another process."""
    period_us, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not period_us.isdecimal() or pid not in ("", str(os.getpid())):
        return 0.0
    return int(period_us) / 1_000_000
