"""One endpoint of the pretend Google: its counters, and the switches that make it fail."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web

from authproxy.demo.loopback import reset

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Endpoint:
    """Wraps handlers so that tests and spectators can count calls and break them at will."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0
        """Requests seen, the failed ones too."""
        self.mints: Counter[str] = Counter()
        """ID tokens (by audience) and access tokens (as `access_token`) handed out."""
        self.delay_s = 0.0
        """Every answer waits this long."""
        self._is_down = False
        self._failure: tuple[int, str, str] | None = None

    def __repr__(self) -> str:
        state = "down" if self._is_down else f"fails {self._failure[0]}" if self._failure else "up"
        return f"<Endpoint {self.name} [{state}, {self.calls} calls, {self.mints.total()} mints]>"

    def fail_with(self, status: int, body: str = "", content_type: str = "text/html") -> None:
        """Answer every request like this until `up()`."""
        self._is_down, self._failure = False, (status, body, content_type)

    def down(self) -> None:
        """Reset every connection that asks, until `up()`."""
        self._is_down, self._failure = True, None

    def up(self) -> None:
        self._is_down, self._failure = False, None

    def guard(self, handler: Handler) -> Handler:
        """`handler`, counted and breakable."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            self.calls += 1
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            if self._is_down:
                return _reset(request)
            if self._failure is not None:
                status, body, content_type = self._failure
                return web.Response(status=status, text=body, content_type=content_type)
            return await handler(request)

        return guarded


def _reset(request: web.Request) -> web.Response:
    """Break the connection off; the answer returned goes nowhere."""
    if request.transport is not None:
        reset(request.transport)
    return web.Response(status=503)
