"""Looks at all connections when the rules are others: somebody may not go on by them."""

import asyncio
import time
from collections.abc import Sequence

from authproxy.wire.interfaces import OpenConnection

TURN_S = 0.002
"""So long the loop may be kept from others."""


async def recheck_all(connections: Sequence[OpenConnection]) -> None:
    """End at once what may not go on. Those that come meanwhile are judged by the new rules."""
    turned_at = time.monotonic()
    for connection in connections:
        connection.recheck()
        if time.monotonic() - turned_at > TURN_S:
            await asyncio.sleep(0)
            turned_at = time.monotonic()
