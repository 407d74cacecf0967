"""Looks up names in threads that never keep the program from ending.

asyncio's own way is a pool of a few threads: six lookups that hang, as with a DNS server that is
gone, hold up every other name, and the program's end waits for all of them.
"""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

from authproxy.threads import in_thread

Lookup = Callable[..., list[Any]]
SHARED_FOR_S = 10.0
"""A lookup that takes longer may be lost: whoever comes then begins another one."""


def look_up(host: object, *more: Any, **named: Any) -> list[Any]:
    """As `socket.getaddrinfo`, which imports what other letters need for names in ASCII, too."""
    plain: Any = host.encode() if isinstance(host, str) and host.isascii() else host
    return socket.getaddrinfo(plain, *more, **named)


class Resolver:
    """Resolver of host names; simultaneous questions for the same name share one lookup."""

    def __init__(
        self,
        lookup: Lookup = look_up,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lookup = lookup
        self._clock = clock
        self._lookups: dict[tuple[object, ...], tuple[asyncio.Future[list[Any]], float]] = {}

    async def getaddrinfo(
        self,
        host: str | None,
        port: str | int | None,
        *,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        """As the loop's method of this name. Raises OSError."""
        key = (host, port, family, type, proto, flags)
        lookup, since = self._lookups.get(key, (None, 0.0))
        if lookup is None or self._clock() - since > SHARED_FOR_S:
            lookup = self._begin(key)
        return await asyncio.shield(lookup)

    def _begin(self, key: tuple[object, ...]) -> asyncio.Future[list[Any]]:
        lookup = asyncio.ensure_future(  # noqa: TID251 -- it ends by itself, and is kept until then
            in_thread(self._lookup, *key, name=f"dns-{key[0]}")
        )
        self._lookups[key] = lookup, self._clock()
        lookup.add_done_callback(lambda done: self._ended(key, done))
        return lookup

    def _ended(self, key: tuple[object, ...], lookup: asyncio.Future[list[Any]]) -> None:
        if self._lookups.get(key, (None,))[0] is lookup:
            del self._lookups[key]
        if not lookup.cancelled():
            lookup.exception()  # whoever asked may have gone

    def __repr__(self) -> str:
        return f"<Resolver [{len(self._lookups)} lookups]>"
