"""Why nothing is read from a client at the moment: several reasons may hold at once.

Plain numbers, added up: an IntFlag's operators are Python functions, and these are on the way of
every request.
"""

import asyncio

EARLY = 1
"""Body came before there was a connection to the service."""
QUEUE = 2
"""A request sent ahead is waiting."""
CONGESTED = 4
"""The service reads slower than the client sends."""
SWITCH = 8
"""What follows depends on the service's answer to an Upgrade."""
ALL = EARLY | QUEUE | CONGESTED | SWITCH


class ReadHolds:
    """Of one connection: nothing is read while there is a reason."""

    __slots__ = ("_transport", "reasons")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.reasons = 0

    def set(self, reasons: int, on: bool) -> None:
        """These hold, or hold no longer."""
        now = self.reasons | reasons if on else self.reasons & ~reasons
        if bool(now) != bool(self.reasons):
            (self._transport.pause_reading if now else self._transport.resume_reading)()
        self.reasons = now

    def __repr__(self) -> str:
        return f"<ReadHolds [{self.reasons}]>"
