"""The deep check: every service is asked itself, and what it said is remembered for a while.

A thousand probes in a second cost each service one request, and a thousand services are not asked
at once. A service that is scaled to nothing is started by it: that is why it must be asked for.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from authproxy.admin.readiness import Health, ServiceHealth
from authproxy.tasks import Tasks

REMEMBERED_S = 10.0
AT_ONCE = 16
"""Services that are asked at the same time."""

Ask = Callable[[str], Awaitable[str]]
"""Why the service of this name does not work; empty when it does."""


class DeepChecks:
    """Answers of services to deep checks, remembered for a while."""

    def __init__(
        self, ask: Ask, tasks: Tasks, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._tasks = tasks
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._said: dict[str, tuple[float, str]] = {}
        self._asking: dict[str, asyncio.Task[str]] = {}

    async def look(self, found: Health) -> Health:
        """The same, with what those said that have a token. All who want to know share one look."""
        services = await asyncio.gather(*map(self._look_at, found.services))
        return replace(found, services=tuple(services))

    async def _look_at(self, service: ServiceHealth) -> ServiceHealth:
        if not service.ready:
            return service
        why = await self._find_out(service.name)
        return replace(service, ready=False, why=why) if why else service

    async def _find_out(self, name: str) -> str:
        said = self._said.get(name)
        if said is not None and self._clock() - said[0] < REMEMBERED_S:
            return said[1]
        task = self._asking.get(name)
        if task is None:
            task = self._tasks.start(self._ask_now(name), name=f"deep check of {name}")
            self._asking[name] = task
        return await asyncio.shield(task)

    async def _ask_now(self, name: str) -> str:
        try:
            async with self._turns:
                why = await self._ask(name)
            self._said[name] = self._clock(), why
            return why
        finally:
            del self._asking[name]

    def __repr__(self) -> str:
        return f"<DeepChecks [{len(self._said)} remembered, {len(self._asking)} asking]>"
