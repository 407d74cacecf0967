"""Reasons for reading nothing from a connection; several may hold at once.

Plain numbers of one bit: an IntFlag's operators are Python functions, and these are on the way of
every request. Below are the reasons of HTTP/1; `http2.lanes` has its own.
"""

import asyncio
from typing import Final

from authproxy.wire.transport import resume

EARLY: Final = 1
"""A client's body came before there was a connection to the service."""
QUEUE: Final = 2
"""A request that a client sent ahead is waiting."""
CONGESTED: Final = 4
"""The other side reads slower than this one sends."""
SWITCH: Final = 8
"""What follows depends on the service's answer to an Upgrade."""
ALL: Final = EARLY | QUEUE | CONGESTED | SWITCH


class ReadHolds:
    """Reasons of one connection: nothing is read while there is one."""

    __slots__ = ("_transport", "reasons")

    def __init__(self, transport: asyncio.Transport | None = None) -> None:
        """`transport`: None if it is not there yet."""
        self._transport = transport
        self.reasons = 0

    def attach(self, transport: asyncio.Transport) -> None:
        """This is what is to be read, unless there is a reason not to."""
        self._transport = transport
        if self.reasons:
            transport.pause_reading()

    def detach(self) -> None:
        """There is nothing to read any more."""
        self._transport = None

    def set(self, reasons: int, on: bool) -> None:
        """These hold, or hold no longer."""
        now = self.reasons | reasons if on else self.reasons & ~reasons
        transport = self._transport
        if transport is not None and bool(now) != bool(self.reasons):
            if now:
                transport.pause_reading()
            elif not transport.is_closing():
                resume(transport)
        self.reasons = now

    def __repr__(self) -> str:
        return f"<ReadHolds [{self.reasons}]>"
