"""A running proxy: started by one configuration, and going on by others."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from authproxy.exchange import Observer
from authproxy.identity.machine import Machine
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.observe.stream import LogStream
from authproxy.observe.trace_context import FindTrace, trace_of_client
from authproxy.policy.access.client_limits import ClientLimits
from authproxy.runtime.admin import AdminPlace, ProxyInside, open_admin
from authproxy.runtime.deployment import Deployment, Deployments
from authproxy.runtime.inspector import inspector_views
from authproxy.runtime.open_authorizer import open_authorizer
from authproxy.runtime.open_sockets import Open, OtherServers, open_ours
from authproxy.runtime.process.head_start import begin
from authproxy.runtime.ready_lines import announce, tell_egress
from authproxy.runtime.reload import ConfigOrigin, Reloader, reloads_on_hangup
from authproxy.runtime.sources import Elsewhere, Sources
from authproxy.settings import Settings
from authproxy.tasks import Tasks
from authproxy.wire.listening.rechecks import recheck_all
from authproxy.wire.listening.server import ProxyServer
from authproxy.wire.observing import Observers
from authproxy.wire.recorder import Recorder
from authproxy.wire.upstream.upstream import Upstream

if TYPE_CHECKING:
    from authproxy.inspector.assembly import Recording
    from authproxy.runtime.metrics import ProxyMetrics

logger = logging.getLogger(__name__)

COMMAND_PATIENCE_S = 3.0
"""How long a program that prints a token may go on when authproxy is told to stop."""


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
        origin: ConfigOrigin | None = None,
        *,
        trace_of: FindTrace = trace_of_client,
        others: OtherServers | None = None,
        open_new: Open = open_ours,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """`observers`: those who make traces behind those who ask `trace_of` for them. `origin`:
        where `settings` come from, so that they can be read anew. `others` answer the clients, in
        place of us. `open_new` is for `OpenSockets`, `elsewhere` for `Sources`."""
        self.settings = settings
        self._machine = machine
        self._stream = stream
        self._observers = [*observers, *(recording.observers if recording else ())]
        self._tasks = Tasks()
        self._ending = Tasks()
        """Goes on until all connections have ended."""
        self._admin = admin
        self.admin_url = ""
        """As in its ready line, at a terminal with the key; empty where there is none."""
        self._recording = recording
        self.inside = ProxyInside(settings, self._ending, machine, others)
        self.metrics = None if admin is None else count_all(self.inside, trace_of, recording)
        """None where nobody could ask for them."""
        if self.metrics is not None:
            self._observers = [self.metrics.exchanges, *self._observers]
        self._stack = contextlib.AsyncExitStack()
        self._tokens = TokenCache(deadline_s=settings.timeouts.token, skew=machine.skew)
        self._deployments = Deployments(
            Sources(self._tokens, machine, elsewhere),
            limits,
            own_names=tuple(Observers(self._observers).names_to_send),
            is_ready=self.inside.is_ready,
            on_change=self._recheck_soon,
            on_tls_change=self._renew_soon,
            open_new=open_new,
        )
        self._others = others
        self._current: Deployment | None = None
        self._reloader = self.inside.reloader = Reloader(origin, self, self._count_reload)

    @property
    def urls(self) -> list[str]:
        """The listeners'."""
        return [url for url, _ in self.inside.opened]

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
        if self._own is None:
            return "each process says what it waits for"
        count, patience_s = self._own.in_flight, self.settings.timeouts.drain
        if not count:
            return "no requests in flight"
        waits = f"waiting up to {patience_s:g} s; Ctrl-C again quits now"
        return f"{count} {'request' if count == 1 else 'requests'} in flight; {waits}"

    def leave(self) -> None:
        """Say that it is not ready any more, and go on."""
        self.inside.is_leaving = True
        if self._others is not None:
            self._others.leave()

    def reopen_logs(self) -> None:
        """Have workers open theirs anew."""
        if self._others is not None:
            self._others.reopen_logs()

    def drain(self) -> None:
        """Let what is in flight be the last."""
        self._server.drain()
        self._ending.spawn(_kill_slow_commands(self._machine), name="commands that hang")

    def cut(self) -> None:
        """Do not wait for what is in flight any longer."""
        self._server.cut()

    @property
    def _own(self) -> ProxyServer | None:
        """Where it is this process that answers clients."""
        return self._server if isinstance(self._server, ProxyServer) else None

    # The start.

    async def _start(self) -> None:
        self._push(self._ending.cancel)
        self.admin_url = await self._open_admin()
        self._push(self._tokens.close)
        built = self._deployments.build(self.settings, at_start=True)
        self._push(self._close_files)
        self._server = self._others or ProxyServer(
            observers=self._observers,
            limits=self.settings.limits,
            timeouts=self.settings.timeouts,
            pools=(),
            counts=self._deployments.limits.connections,
            now=self._machine.skew.now,
        )
        self.inside.server_of_clients = self._server
        self._push(lambda: self._server.shutdown(self.settings.timeouts.drain))
        self._push(self._tasks.cancel)
        self._use(built)
        if self._others is not None:
            await self._others.start(built.settings, built.plan.sockets, self._deployments.sources)
        self.inside.authorizer = await open_authorizer(
            self.settings,
            self._deployments.authorizer,
            Recorder(self._observers) if self._own is None else self._own.recorder,
            lambda: self.settings.limits,
        )
        self._push(self.inside.authorizer.close)
        self.inside.is_open = True
        if self._own is not None:
            self._tasks.spawn(self._own.keep_ticking(), name="ticks")
            self._own.find_room()
        urls = self.admin_url, self.inside.authorizer.urls
        announce(self.inside.opened, self.settings, self._stream, *urls)
        self._begin(built, built.upstreams)

    async def _open_admin(self) -> str:
        """First of all and closed last, so that a probe always gets an answer."""
        if self._admin is None or self.metrics is None:
            return ""
        self._ending.spawn(self.metrics.keep_measuring(), name="lag of the event loop")
        more = inspector_views(self._recording, self.inside, self._ending)
        close, url = await open_admin(
            self._admin, self.inside, self._ending, self.metrics.scraper(), more
        )
        self._push(close)
        return url

    async def _close_files(self) -> None:
        if self._current is not None:
            await self._current.files.close()

    def _push(self, close: Callable[[], Awaitable[None]]) -> None:
        self._stack.push_async_callback(close)

    # Another configuration.

    @property
    def reloads_on_hangup(self) -> bool:
        """SIGHUP means: read the configuration anew."""
        return reloads_on_hangup(self._reloader.origin)

    def reload_soon(self, why: str) -> None:
        """Read the configuration anew; the log says what came of it. `why`: who asks for it."""
        self._tasks.spawn(self._reload(why), name="reload")

    async def _reload(self, why: str) -> None:
        await self._reloader.reload(why)

    def _renew_soon(self) -> None:
        why = "a file of TLS to a service has changed"
        self._tasks.spawn(self._reloader.renew(why), name="reload")

    def _recheck_soon(self) -> None:
        self._tasks.spawn(self._recheck(), name="look at connections")

    async def _recheck(self) -> None:
        if self._own is not None:
            await recheck_all(self._own.connections)

    @property
    def is_ending(self) -> bool:
        """Nothing new begins any more."""
        return self._server.draining

    def build(self, settings: Settings) -> Deployment:
        """What `settings` become. May block. Raises ConfigError with every problem."""
        return self._deployments.build(settings)

    async def prepare(self, built: Deployment) -> None:
        """Have workers build it, too. Raises ConfigError with every problem."""
        if self._others is not None:
            await self._others.prepare(built.settings, built.plan.sockets)

    def drop(self, built: Deployment | None) -> None:
        """It does not come into use, or could not be built."""
        if built is not None:
            built.drop()
            if self._others is not None:
                self._others.drop()
        if self._current is not None:
            self._deployments.give_up(self._current)

    async def use(self, built: Deployment) -> None:
        """Put it in the place of what is in use."""
        before = self._current
        if self.is_ending or before is None:
            built.drop()
            return
        known = set(self.urls)
        if self._others is not None:
            await self._others.switch()
        self._use(built)
        await before.files.close()
        await self._recheck()
        for url in self.urls:
            if url not in known:
                logger.info("listening at %s", url)
        pools = {each.pool for each in before.upstreams.values()}
        new = {name: each for name, each in built.upstreams.items() if each.pool not in pools}
        self._begin(built, new)

    def _use(self, built: Deployment) -> None:
        """No `await` in here: nobody may meet half of it."""
        inside, self.settings = self.inside, built.settings
        origin = self._reloader.origin
        if built.settings.reload == "on-change" and origin is not None:
            origin.watch(built.files, self.reload_soon)
        inside.opened = self._deployments.use(built, self._server, self._current)
        if self._own is not None:
            self._own.use(built.settings.limits, built.settings.timeouts, built.pools)
        inside.settings, inside.upstreams = built.settings, built.upstreams
        self._current = built
        self._tokens.use_deadline(built.settings.timeouts.token)
        if self.metrics is not None:
            self.metrics.exchanges.keep_only(built.upstreams)

    def _begin(self, built: Deployment, new: Mapping[str, Upstream]) -> None:
        tls = built.tls
        begin(built.upstreams, new, tls, self._tasks, connects=self._others is None)
        tell_egress(new)

    def _count_reload(self, worked: bool) -> None:
        if self.metrics is not None:
            self.metrics.reloads.count(worked=worked)


def count_all(
    inside: ProxyInside, trace_of: FindTrace, recording: "Recording | None"
) -> "ProxyMetrics":
    """What is counted for `/metrics`; others are to report, also for `recording`."""
    from authproxy.runtime.metrics import ProxyMetrics

    made = ProxyMetrics(inside, trace_of)
    if inside.others is not None:
        inside.others.count_into(made.exchanges, made.lag.counts)
        if recording is not None:
            inside.others.record_into(recording)
    return made


async def _kill_slow_commands(machine: Machine) -> None:
    """Until cancelled: whoever waits for their tokens gets an error, and can end."""
    await asyncio.sleep(COMMAND_PATIENCE_S)
    while True:
        machine.kill_running()
        await asyncio.sleep(COMMAND_PATIENCE_S / 10)
