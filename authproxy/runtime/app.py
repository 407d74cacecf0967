"""Builds everything from Settings and runs it: start, serve, drain, stop."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from authproxy.errors import CredentialError
from authproxy.event_loop import choose_transports, with_resolver
from authproxy.exchange import Observer
from authproxy.file_watch import FileWatch
from authproxy.identity.machine import Machine
from authproxy.identity.programs import Programs
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.observe.access_log import FindTrace, trace_of_client
from authproxy.observe.stream import LogStream
from authproxy.policy.access.client_limits import ClientLimits, ConnectionCounts
from authproxy.runtime import memory
from authproxy.runtime.admin import AdminPlace, ProxyInside, find_place, open_admin
from authproxy.runtime.counters import limits_of_one_process
from authproxy.runtime.inspector import find_recording, inspector_views
from authproxy.runtime.listeners import Gate
from authproxy.runtime.log_output import LogOutput, open_log
from authproxy.runtime.observers import make_observers
from authproxy.runtime.ready_lines import announce, tell_egress
from authproxy.runtime.services import Builder
from authproxy.runtime.sources import Sources
from authproxy.runtime.tracing import open_tracing
from authproxy.settings import ListenerSettings, Settings
from authproxy.tasks import Tasks
from authproxy.wire.listening.room import count_open_files, file_limit
from authproxy.wire.listening.server import ProxyServer
from authproxy.wire.listening.sockets import listener_url, open_listener
from authproxy.wire.listening.tls import ListenerTls
from authproxy.wire.observing import Observers
from authproxy.wire.upstream.connect_errors import note_loop_error
from authproxy.wire.upstream.upstream import Upstream

if TYPE_CHECKING:
    from authproxy.inspector.assembly import Recording
    from authproxy.runtime.metrics import ProxyMetrics

logger = logging.getLogger(__name__)

Ready = Callable[[Sequence[str]], None]
COMMAND_PATIENCE_S = 3.0
"""How long a program that prints a token may go on when authproxy is told to stop."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
REOPEN = signal.SIGUSR1
"""Whoever has moved the log file away says so; it would end us if we did not listen."""
WARM_AT_MOST = 32
"""With more services than this none is connected to before it is wanted: most would be in vain."""


def run(settings: Settings, on_ready: Ready | None = None) -> int:
    """Serve until a signal says stop; the exit code. Raises StartError.

    `on_ready` gets the listeners' URLs once requests are taken.
    """
    log = open_log(settings)
    tracing = open_tracing(settings, os.environ)
    admin = find_place(settings, at_terminal=sys.stderr is not None and sys.stderr.isatty())
    _raise_file_limit()
    memory.keep_what_was_freed()
    for number in SIGNALS:
        signal.signal(number, _stop_at_once)
    signal.signal(REOPEN, signal.SIG_IGN)  # the log file has just been opened
    try:
        loops = with_resolver(choose_transports())
        with Machine() as machine, asyncio.Runner(loop_factory=loops) as runner:
            limits = limits_of_one_process(settings.limits)
            observers = make_observers(settings, log, tracing)
            recording = find_recording(settings, admin)
            proxy = Proxy(
                settings,
                log.stderr,
                observers,
                machine,
                limits,
                admin,
                recording,
                trace_of=tracing.trace_of,
            )
            return runner.run(_serve_until_signal(proxy, log, on_ready))
    finally:
        tracing.flush()
        log.drain()


def _stop_at_once(number: int, _frame: object) -> None:
    """Nothing is in flight while authproxy starts, whatever it waits for."""
    sys.exit(128 + number)


async def _serve_until_signal(proxy: "Proxy", log: LogOutput, on_ready: Ready | None) -> int:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(note_loop_error)
    stop: asyncio.Future[int] = loop.create_future()

    def stopped(number: int) -> None:
        if stop.done():
            proxy.cut()
        else:
            stop.set_result(128 + number)

    def leave() -> None:
        if not stop.done():
            stop.set_result(0)

    proxy.inside.on_quit = leave
    tasks = Tasks()
    async with proxy:
        tasks.spawn(memory.keep_giving_back(memory.find_trim()), name="memory")
        for number in SIGNALS:
            loop.add_signal_handler(number, stopped, number)
        loop.add_signal_handler(REOPEN, log.reopen)
        if on_ready is not None:
            on_ready(proxy.urls)
        code = await stop
        proxy.drain()
        logger.info("stopping: %s", proxy.last_requests)
    return code


class Proxy:
    """A running authproxy, as an async context manager: listening when entered, gone when left."""

    def __init__(
        self,
        settings: Settings,
        stream: LogStream,
        observers: Sequence[Observer],
        machine: Machine,
        limits: ClientLimits,
        admin: AdminPlace | None = None,
        recording: "Recording | None" = None,
        *,
        trace_of: FindTrace = trace_of_client,
    ) -> None:
        """`observers`: those who make traces behind those who ask `trace_of` for them."""
        self.settings = settings
        self._machine = machine
        self._limits = limits
        self._stream = stream
        self._observers = [*observers, *(recording.observers if recording else ())]
        self._opened: list[tuple[str, ListenerSettings]] = []
        self._tasks = Tasks()
        self._ending = Tasks()
        """Goes on until all connections have ended."""
        self._admin = admin
        self._recording = recording
        self.inside = ProxyInside(settings, self._ending, machine)
        self.metrics = None if admin is None else count_all(self.inside, trace_of)
        """None where nobody could ask for them."""
        if self.metrics is not None:
            self._observers = [self.metrics.exchanges, *self._observers]
        self._files = FileWatch()
        self._gate = Gate(settings, self._files, limits, self.inside.is_ready)
        self._stack = contextlib.AsyncExitStack()
        self._tokens = TokenCache(
            deadline_s=settings.timeouts.token, skew=machine.skew, files=self._files
        )
        self._sources = Sources(self._tokens, machine)

    @property
    def urls(self) -> list[str]:
        """The listeners'."""
        return [url for url, _ in self._opened]

    async def __aenter__(self) -> "Proxy":
        async with self._stack:
            await self._start()
            self._stack = self._stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    @property
    def last_requests(self) -> str:
        """What the end waits for, as a sentence."""
        count, patience_s = self._server.in_flight, self.settings.timeouts.drain
        if not count:
            return "no requests in flight"
        waits = f"waiting up to {patience_s:g} s; Ctrl-C again quits now"
        return f"{count} {'request' if count == 1 else 'requests'} in flight; {waits}"

    def drain(self) -> None:
        """Let what is in flight be the last."""
        self._server.drain()
        self._ending.spawn(_kill_slow_commands(self._machine.programs), name="commands that hang")

    def cut(self) -> None:
        """Do not wait for what is in flight any longer."""
        self._server.cut()

    async def _start(self) -> None:
        self._push(self._ending.cancel)
        admin_url = await self._open_admin()
        self._push(self._files.close)
        self._push(self._tokens.close)
        upstreams = Builder(
            self.settings,
            self._sources,
            self._files,
            found=self._gate.found,
            own_names=Observers(self._observers).names_to_send,
        ).build_all()
        for name, upstream in upstreams.items():
            self._gate.guard(upstream, self.settings.services[name])
        self._server = build_server(
            self.settings,
            upstreams,
            self._observers,
            self._limits.connections,
            self._machine.skew.now,
        )
        self.inside.upstreams, self.inside.server_of_clients = upstreams, self._server
        self._push(partial(self._server.shutdown, self.settings.timeouts.drain))
        self._push(self._tasks.cancel)
        tls = build_listener_tls(self.settings, self._files)
        for listener in self.settings.every_listener:
            await self._open(listener, upstreams, tls)
        self.inside.opened, self.inside.is_open = self._opened, True
        self._tasks.spawn(self._server.keep_ticking(), name="ticks")
        self._files.start()
        for upstream in upstreams.values():
            self._tasks.spawn(_first_token(upstream), name=f"first token for {upstream.name}")
        self._server.room.fit(file_limit(), count_open_files())
        announce(self._opened, self.settings, self._stream, admin_url)
        tell_egress(upstreams)
        if len(upstreams) <= WARM_AT_MOST:
            _warm(upstreams)
            if tls is not None:
                self._tasks.spawn(_choose_protocol(tls, upstreams), name="choice of protocol")

    async def _open(
        self, listener: ListenerSettings, upstreams: dict[str, Upstream], tls: ListenerTls | None
    ) -> None:
        listen = listener.listen
        context = (lambda: tls.context) if tls is not None and listen.path is None else None
        sockets = open_listener(listen, listener.socket_mode)
        rules = self._gate.rules_for(listener, upstreams)
        for sock in sockets:
            if listener.proxy_protocol:
                self._server.listen_behind(sock, rules, context)
            else:
                self._server.listen(sock, rules, context)
            if sock.family != socket.AF_UNIX:
                self._gate.opened(rules, sock.getsockname()[1])
        url = listener_url(listen, sockets[0], tls=context is not None)
        self._opened.append((url, listener))

    async def _open_admin(self) -> str:
        """First of all and closed last, so that a probe always gets an answer."""
        if self._admin is None or self.metrics is None:
            return ""
        self._ending.spawn(self.metrics.lag.keep_measuring(), name="lag of the event loop")
        more = inspector_views(self._recording, self.inside, self._ending)
        close, url = await open_admin(
            self._admin, self.inside, self._ending, self.metrics.scraper(), more
        )
        self._push(close)
        return url

    def _push(self, close: Callable[[], Awaitable[None]]) -> None:
        self._stack.push_async_callback(close)


def count_all(inside: ProxyInside, trace_of: FindTrace) -> "ProxyMetrics":
    """What is counted for `/metrics`."""
    from authproxy.runtime.metrics import ProxyMetrics

    return ProxyMetrics(inside, trace_of)


def build_listener_tls(settings: Settings, files: FileWatch) -> ListenerTls | None:
    """The certificate for clients on TCP. Raises StartError."""
    if settings.tls_cert_file is None:
        return None
    return ListenerTls(settings.tls_cert_file, settings.tls_key_file, files)


def build_server(
    settings: Settings,
    upstreams: dict[str, Upstream],
    observers: Sequence[Observer],
    counts: ConnectionCounts,
    now: Callable[[], float],
) -> ProxyServer:
    """The server for all listeners; `now`: Google's time."""
    return ProxyServer(
        observers=observers,
        limits=settings.limits,
        timeouts=settings.timeouts,
        pools=[upstream.pool for upstream in upstreams.values()],
        counts=counts,
        now=now,
    )


async def _choose_protocol(tls: ListenerTls, upstreams: dict[str, Upstream]) -> None:
    """A client that chose HTTP/2 cannot reach a service that does not speak it: ask them all."""
    for upstream in upstreams.values():
        if upstream.found is not None:
            with contextlib.suppress(CredentialError):
                await upstream.found()
        if not await upstream.connector.speaks_http2():
            name = upstream.name
            logger.info("TLS clients are offered HTTP/1.1 only: %s lacks HTTP/2", name)
            return
    tls.prefer_http2()
    logger.info("TLS clients are offered HTTP/2: every service speaks it")


def _warm(upstreams: dict[str, Upstream]) -> None:
    """Connect to all whose address is known."""
    for upstream in upstreams.values():
        if upstream.found is None:
            upstream.pool.warm()


async def _first_token(upstream: Upstream) -> None:
    """Fetch a token before the first request wants it; a failure is in the log then, early."""
    with contextlib.suppress(CredentialError):
        await upstream.tokens.get()


def _raise_file_limit() -> None:
    """Two sockets for each exchange: the usual soft limit of 1024 files is soon reached."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _kill_slow_commands(programs: Programs) -> None:
    """Until cancelled: whoever waits for their tokens gets an error, and can end."""
    await asyncio.sleep(COMMAND_PATIENCE_S)
    while True:
        programs.kill_running()
        await asyncio.sleep(COMMAND_PATIENCE_S / 10)
