"""A worker: a proxy in a process of its own, with what its parent gives it.

It ends when its parent is no more, as after SIGTERM: what is under way may end.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING

from authproxy import __version__
from authproxy.errors import ConfigError, StartError
from authproxy.event_loop import choose_transports, with_resolver
from authproxy.exchange import Observer
from authproxy.identity.machine import Machine
from authproxy.observe.stream import LogStream
from authproxy.runtime.deployment import Deployment
from authproxy.runtime.process import last_resort, memory
from authproxy.runtime.process.log_output import open_log
from authproxy.runtime.process.observers import make_observers
from authproxy.runtime.process.tracing import Tracing, open_tracing
from authproxy.runtime.proxy import Proxy
from authproxy.settings import Settings
from authproxy.tasks import Tasks
from authproxy.threads import in_thread
from authproxy.wire.listening.server import ProxyServer
from authproxy.wire.upstream.connect_errors import note_loop_error
from authproxy.workers.common_memory import DESCRIPTORS, CommonMemory
from authproxy.workers.configuration import GivenSockets
from authproxy.workers.own_share import with_own_share
from authproxy.workers.parent_tokens import from_parent
from authproxy.workers.worker_channel import Message, WorkerChannel

if TYPE_CHECKING:
    from authproxy.workers.counting.worker_counts import WorkerCounts
    from authproxy.workers.inspecting.telling_observer import TellingObserver

logger = logging.getLogger(__name__)

END_S = 3.0
"""For all that is left to do at the end, besides what is under way."""
FOR_PARENT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
"""Whoever signals all processes at once means the parent, and that tells us."""
TOLD_BY_PARENT = ("authproxy.identity.token_cache",)
"""Loggers of what the parent says already: it makes the tokens."""
SAID_ONCE = ("authproxy.runtime",)
"""Loggers of what all workers have to say alike: the first one says it."""


def main(parent: int) -> None:
    """Until the parent says so; `parent` is its process."""
    del parent  # its end is that of the channel
    for number in FOR_PARENT:
        signal.signal(number, signal.SIG_IGN)
    sock = socket.socket(fileno=os.dup(0))
    with open(os.devnull) as nothing:  # noqa: PTH123 -- it is no file
        os.dup2(nothing.fileno(), 0)
    memory.keep_what_was_freed()
    with asyncio.Runner(loop_factory=with_resolver(choose_transports())) as runner:
        code = runner.run(Worker(sock).run())
    sys.exit(code)


NOTHING: Message = {"do": "nothing"}


class Worker:
    """A worker, seen from inside. It does what its parent says, one after the other."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._tasks = Tasks()
        self._telling = Tasks()
        """Goes on until all connections have ended."""
        self._said: asyncio.Queue[tuple[Message, list[int]]] = asyncio.Queue()
        self._has_begun = False
        self._stop = asyncio.Event()
        self._sockets = GivenSockets()
        self._built: Deployment | None = None
        self._proxy: Proxy | None = None
        self._counts: WorkerCounts | None = None
        self._exchanges: TellingObserver | None = None
        """Each is None where nobody could ask for it."""

    async def run(self) -> int:
        asyncio.get_running_loop().set_exception_handler(note_loop_error)
        self._channel = WorkerChannel(self._sock, self._hear, self._left)
        start, descriptors = await self._said.get()
        self._has_begun = True
        if start is NOTHING:
            return 0
        if start["version"] != __version__:
            self._fail(upgraded_from(start["version"]))
            return 1
        self._common = CommonMemory(start["workers"], descriptors[:DESCRIPTORS])
        self._common.stacks.tell_when_asked()
        self._own = partial(with_own_share, worker=start["worker"], workers=start["workers"])
        settings = self._own(self._sockets.take(start, descriptors[DESCRIPTORS:]))
        try:
            self._log = open_log(settings, self._common.lines.whole)
            be_quiet(start["worker"])
            tracing = open_tracing(settings, os.environ)
            try:
                await self._serve(settings, tracing, start)
            finally:
                tracing.flush()
                self._log.drain()
        except StartError as error:
            self._fail(error)
            return 1
        return 0

    def _left(self) -> None:
        """The parent has ended, perhaps before its first word, which `run` would wait for."""
        if not self._has_begun:
            self._said.put_nowait((NOTHING, []))
        self._stop.set()

    def _fail(self, error: StartError) -> None:
        self._channel.say({"do": "failed", "error": str(error), "hint": error.hint})

    async def _serve(self, settings: Settings, tracing: Tracing, start: Message) -> None:
        """Raises StartError."""
        with Machine() as machine:
            self._proxy = proxy = Proxy(
                settings,
                LogStream(len),
                self._make_observers(settings, tracing, start),
                machine,
                self._common.limits.of_worker(start["worker"], settings.limits),
                open_new=self._sockets.open,
                elsewhere=from_parent(self._channel.ask, machine.skew),
                trace_of=tracing.trace_of,
            )
            proxy.inside.is_leaving = start["is_leaving"]
            async with proxy:
                self._sockets.close()
                self._share(proxy, start["worker"])
                self._begin_to_tell(proxy, start["worker"])
                self._tasks.spawn(memory.keep_giving_back(memory.find_trim()), name="memory")
                self._tasks.spawn(self._obey(proxy), name="what the parent says")
                self._channel.say({"do": "ready"})
                await self._stop.wait()
                last_resort.end_after(proxy.settings.timeouts.drain + END_S, 1)
                proxy.drain()
                logger.info("stopping: %s", proxy.last_requests)
            await self._tasks.cancel()
        self._tell()
        await self._telling.cancel()

    def _make_observers(
        self, settings: Settings, tracing: Tracing, start: Message
    ) -> list[Observer]:
        found: list[Observer] = make_observers(settings, self._log, tracing)
        channel = self._channel
        if start["counts"]:
            from authproxy.workers.counting.worker_counts import WorkerCounts

            self._counts = WorkerCounts(tracing.trace_of, channel.say, lambda: channel.is_behind)
            found.insert(0, self._counts.exchanges)
        if start["records"]:
            from authproxy.workers.inspecting.telling_observer import TellingObserver

            self._exchanges = TellingObserver(channel.say, lambda: channel.is_behind)
            found.append(self._exchanges)
        return found

    def _tell(self, *, is_asked: bool = False) -> None:
        """All that the parent does not know yet."""
        if self._counts is not None:
            self._counts.tell(is_asked=is_asked)
        if self._exchanges is not None:
            self._exchanges.tell(is_asked=is_asked)

    def _share(self, proxy: Proxy, worker: int) -> None:
        """Let those who have fewer connections take the next one."""
        shares = self._common.shares
        shares.tell(worker, 0)
        server_of(proxy).room.hold_back = partial(shares.wait_s, worker)

    def _begin_to_tell(self, proxy: Proxy, worker: int) -> None:
        self._telling.spawn(
            self._common.turns.keep_counting(worker), name="turns of the event loop"
        )
        if self._counts is not None:
            self._counts.count(server_of(proxy), lambda: proxy.inside.upstreams)
            self._telling.spawn(self._counts.keep_telling(), name="counts for the parent")
            self._telling.spawn(self._counts.lag.keep_measuring(), name="lag of the event loop")
        if self._exchanges is not None:
            self._telling.spawn(self._exchanges.keep_telling(), name="exchanges for the parent")

    def _hear(self, message: Message, descriptors: list[int]) -> None:
        match message["do"]:  # what must not wait behind a reload
            case "drain":
                self._stop.set()
            case "cut":
                self._stop.set()
                if self._proxy is not None:
                    self._proxy.cut()
            case "count":
                self._tell(is_asked=True)
                self._channel.answer(message, {})
            case _:
                self._said.put_nowait((message, descriptors))

    async def _obey(self, proxy: Proxy) -> None:
        """Until cancelled. Who cannot do what is said ends, so that another takes its place: else
        it would serve on by rules that are no more, and hear nothing."""
        try:
            while True:
                await self._do(proxy, *await self._said.get())
        except Exception:
            logger.exception("this worker cannot go on")
            self._stop.set()

    async def _do(self, proxy: Proxy, message: Message, descriptors: list[int]) -> None:
        match message["do"]:
            case "prepare":
                self._channel.answer(message, await self._prepare(proxy, message, descriptors))
            case "use":
                self._channel.answer(message, await self._use(proxy))
            case "drop":
                proxy.drop(self._built)
                self._built = None
            case "leave":
                proxy.inside.is_leaving = True
            case _:
                self._log.reopen()

    async def _prepare(self, proxy: Proxy, message: Message, descriptors: list[int]) -> Message:
        settings = self._own(self._sockets.take(message, descriptors))
        try:
            self._built = await in_thread(proxy.build, settings, name="configuration")
        except ConfigError as error:
            proxy.drop(None)
            found = [{"where": p.where, "key": p.key, "message": p.message} for p in error.problems]
            return {"problems": found}
        finally:
            self._sockets.close()
        return {"problems": []}

    async def _use(self, proxy: Proxy) -> Message:
        built, self._built = self._built, None
        if built is None:
            return {"is_used": False}
        reloader = proxy.inside.reloader
        assert reloader is not None  # noqa: S101 -- for the type checker: a proxy has one
        await reloader.use(built)
        return {"is_used": True}

    def __repr__(self) -> str:
        return f"<Worker [{'stopping' if self._stop.is_set() else 'serving'}]>"


def server_of(proxy: Proxy) -> ProxyServer:
    server = proxy.inside.server_of_clients
    assert isinstance(server, ProxyServer)  # noqa: S101 -- for the type checker
    return server


def upgraded_from(version: str) -> StartError:
    """What our parent says may mean something else to us."""
    return StartError(
        f"authproxy was upgraded on disk from {version} to {__version__} while it ran",
        hint="Restart it: until then the workers that there are go on, and none is replaced.",
    )


def be_quiet(worker: int) -> None:
    """What others say already needs no word of this one."""
    for name in TOLD_BY_PARENT:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    for name in SAID_ONCE if worker > 1 else ():
        logging.getLogger(name).setLevel(logging.WARNING)
