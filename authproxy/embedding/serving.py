"""`authproxy.serve`: a proxy beside a program's own code, for as long as a `with` block lasts.

It runs in a thread of its own, on the event loop that `authproxy run` has, whatever the program
does: code that blocks, no event loop, or several one after another. Nothing of the process is
touched: neither signals nor logging, nor a limit.
"""

import asyncio
import logging
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar, Unpack, overload

from authproxy.config.checks.listeners import TELLS_USERS_OF_TCP
from authproxy.config.loading import load_keywords
from authproxy.embedding.serve_keywords import NOT_HERE, Keywords, Service
from authproxy.errors import ConfigError, Problem
from authproxy.event_loop import choose_transports, with_resolver
from authproxy.identity.machine import Machine
from authproxy.loop_thread import LoopThread
from authproxy.observe.stream import open_stream
from authproxy.runtime.admin import find_place
from authproxy.runtime.inspector import find_recording
from authproxy.runtime.listeners import addresses
from authproxy.runtime.process.counters import limits_of_one_process
from authproxy.runtime.process.tracing import open_tracing
from authproxy.runtime.proxy import Proxy
from authproxy.settings import Settings
from authproxy.system.offers import user_id
from authproxy.wire.upstream.connect_errors import note_loop_error

logger = logging.getLogger(__name__)

WHERE = "serve()"
ANY_PORT = "127.0.0.1:0"
GOODBYE_S = 1.0
"""For services to hear that TLS ends. `authproxy run` ends without it, its sockets with it."""

Address = TypeVar("Address", str, dict[str, str])


@overload
def serve(service: str, /, **settings: Unpack[Keywords]) -> "Serving[str]": ...


@overload
def serve(
    services: Mapping[str, str | Service], /, **settings: Unpack[Keywords]
) -> "Serving[dict[str, str]]": ...


def serve(services: Any, /, **settings: Any) -> "Serving[Any]":
    """A proxy for one service by its address, or for several by name: `with serve("https://…") as
    url`, or `async with`. Of several it is a dict of addresses by the services' names.

    Each service is reached on a free port of 127.0.0.1, on Linux by this user alone, unless
    `listen` or `listeners` say otherwise. Raises ConfigError, and StartError when it is entered.
    """
    is_one = isinstance(services, str)
    return Serving(read_settings(services, settings), _one if is_one else dict)


class Serve(Protocol):
    """The fixture of pytest: as `serve`, and entered already."""

    @overload
    def __call__(self, service: str, /, **settings: Unpack[Keywords]) -> str:
        """The address where the service is reached. Raises ConfigError, StartError."""

    @overload
    def __call__(
        self, services: Mapping[str, str | Service], /, **settings: Unpack[Keywords]
    ) -> dict[str, str]:
        """The addresses, by the services' names. Raises ConfigError, StartError."""

    def __call__(self, services: Any, /, **settings: Any) -> Any:
        """The address, or the addresses by the services' names. Raises ConfigError, StartError."""


class Serving(Generic[Address]):
    """A proxy that runs while it is entered, with either kind of `with`; several times if need be.

    When it is left, requests in flight have `timeouts["drain"]` to finish.
    """

    def __init__(self, settings: Settings, chosen: Any) -> None:
        self._settings = settings
        self._chosen = chosen
        self._process = 0
        self._thread: LoopThread | None = None
        self._stack = AsyncExitStack()

    def __enter__(self) -> Address:
        """Raises StartError."""
        thread = self._begin()
        try:
            found: Address = self._chosen(thread.submit(self._open()).result())
        except BaseException:
            self._end(thread)
            raise
        return found

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        thread = self._leave()
        if thread is not None:
            try:
                thread.submit(self._close()).result()
            finally:
                self._end(thread)

    async def __aenter__(self) -> Address:
        """Raises StartError."""
        thread = self._begin()
        try:
            found: Address = self._chosen(await asyncio.wrap_future(thread.submit(self._open())))
        except BaseException:
            await asyncio.to_thread(self._end, thread)
            raise
        return found

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        thread = self._leave()
        if thread is not None:
            try:
                await asyncio.wrap_future(thread.submit(self._close()))
            finally:
                await asyncio.to_thread(self._end, thread)

    def _begin(self) -> LoopThread:
        if self._thread is not None:
            raise RuntimeError("this proxy is running already: call serve() for another one")
        self._process = os.getpid()
        self._thread = LoopThread("authproxy", with_resolver(choose_transports()))
        return self._thread

    def _leave(self) -> LoopThread | None:
        """None in a process that was forked off: the proxy is its parent's."""
        return self._thread if self._process == os.getpid() else None

    def _end(self, thread: LoopThread) -> None:
        thread.stop(self._stack.aclose())
        self._thread = None

    async def _open(self) -> dict[str, str]:
        settings = self._settings
        asyncio.get_running_loop().set_exception_handler(note_loop_error)
        tracing = open_tracing(settings, os.environ)
        admin = find_place(settings, at_terminal=False)
        async with AsyncExitStack() as stack:
            stack.callback(tracing.flush)
            proxy = Proxy(
                settings,
                open_stream(None),  # the program itself is told where it listens
                tracing.observers,
                stack.enter_context(Machine()),
                limits_of_one_process(settings.limits),
                admin,
                find_recording(settings, admin),
            )
            stack.push_async_callback(_say_goodbye, proxy)
            await stack.enter_async_context(proxy)
            stack.callback(proxy.drain)
            self._stack = stack.pop_all()
        return found_at(proxy.urls, settings)

    async def _close(self) -> None:
        await self._stack.aclose()

    def __repr__(self) -> str:
        services = ", ".join(self._settings.services)
        return f"<Serving {services} [{'running' if self._thread else 'not running'}]>"


async def _say_goodbye(proxy: Proxy) -> None:
    pools = [upstream.pool for upstream in proxy.inside.upstreams.values()]
    with suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE_S):
            while any(pool.open_count for pool in pools):  # noqa: ASYNC110 -- nobody tells of it
                await asyncio.sleep(0.002)


def read_settings(services: Any, given: Mapping[str, object]) -> Settings:
    """Raises ConfigError."""
    problems = [
        Problem(where=WHERE, key=key, message=f"has no effect here: {why}")
        for key, why in NOT_HERE.items()
        if key in given
    ]
    if problems:
        raise ConfigError(problems)
    keywords = {**_place(services, given), "admin": "off", **given}
    return load_keywords(services, keywords, where=WHERE, environ=os.environ, warn=_warn)


def _place(services: Any, given: Mapping[str, object]) -> Mapping[str, object]:
    """A free port for each service, since names as in `billing.localhost` do not lead here in every
    program; for this user alone, where the kernel says who connects."""
    if given.keys() & {"listen", "listeners"}:
        return {}
    ours = {"listen": ANY_PORT, "peer_uids": [user_id()] if TELLS_USERS_OF_TCP else None}
    if not isinstance(services, Mapping) or len(services) < 2:
        return {"listeners": {"own": ours}}
    return {"listeners": {name: {**ours, "service": name} for name in services}}


def found_at(urls: list[str], settings: Settings) -> dict[str, str]:
    """Where each service is reached; the first listener that leads to it counts."""
    found: dict[str, str] = {}
    for url, listener in zip(urls, settings.every_listener, strict=True):
        for name, address in addresses(url, listener, settings):
            found.setdefault(name, address)
    return found


def _one(found: Mapping[str, str]) -> str:
    return next(iter(found.values()))


def _warn(problem: Problem) -> None:
    logger.warning("%s", problem)
