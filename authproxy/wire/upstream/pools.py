"""The pools of all services, and those of services that are no more, while somebody uses them."""

import asyncio
from collections.abc import Callable, Sequence

from authproxy.wire.loops import Loops
from authproxy.wire.upstream.pool import Pool


class Pools:
    """Pools of one server."""

    def __init__(self, loops: Loops, before_opening: Callable[[], None]) -> None:
        """`before_opening` is called before each connection to a service."""
        self.current: tuple[Pool, ...] = ()
        """One for each service, in the order of the configuration."""
        self._retiring: list[Pool] = []
        self._loops = loops
        self._before_opening = before_opening
        self.shortest_s = float("inf")
        """The shortest time, in seconds, after which something of an exchange is overdue."""

    def use(self, pools: Sequence[Pool]) -> None:
        """From now on these; what others have lent comes back to them, and is closed then."""
        kept = set(pools)
        for pool in self.current:
            if pool not in kept:
                pool.retire()
                self._retiring.append(pool)
        for pool in pools:
            pool.before_opening, pool.loops = self._before_opening, self._loops
        self.current = tuple(pools)
        timeouts = [pool.timeouts for pool in self.current]
        times = [min(each.first_byte, each.stream_idle) for each in timeouts]
        self.shortest_s = min(times, default=float("inf"))

    def tick(self, seconds: float) -> None:
        """Time passed."""
        for pool in self.current:
            pool.tick(seconds)
        if self._retiring:
            self._retiring = [pool for pool in self._retiring if pool.is_in_use]

    def close_idlest(self) -> None:
        """Close a connection that rests, of the service that has most of them."""
        if self.current:
            max(self.current, key=lambda pool: pool.idle_count).close_idlest()

    @property
    def open_count(self) -> int:
        """Connections that stand or are on their way."""
        return sum(pool.open_count for pool in (*self.current, *self._retiring))

    @property
    def retiring(self) -> int:
        """How many are of services that are no more, or are reached in another way now."""
        return len(self._retiring)

    async def close(self) -> None:
        await asyncio.gather(*(pool.close() for pool in (*self.current, *self._retiring)))

    def __repr__(self) -> str:
        return f"<Pools [{len(self.current)} in use, {self.retiring} retiring]>"
