"""All workers, as their parent sees them: started, replaced, told of changes and of the end.

Theory of operation. The parent opens the listening sockets and keeps them open; workers get copies
of them, so all take connections from the same queues. A worker that dies takes its own connections
with it, and none that wait in a queue. The parent itself accepts nobody.

To the parent's `Proxy` the crew is one of the two that clients are served by (`ClientServer`): it
holds the sockets, and is told of the end. What serving by this process takes, it has not.
"""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from authproxy import __version__
from authproxy.errors import ConfigError, StartError
from authproxy.observe.stream import Send
from authproxy.policy.access.client_limits import ClientLimits
from authproxy.runtime.open_sockets import Sockets
from authproxy.runtime.sources import Sources
from authproxy.settings import LimitSettings, Settings
from authproxy.tasks import Tasks
from authproxy.wire.status import PoolStatus, ServerStatus
from authproxy.workers.common_memory import CommonMemory
from authproxy.workers.configuration import Configuration
from authproxy.workers.hanging.hang_watch import HangWatch
from authproxy.workers.hanging.loop_turns import LoopTurns
from authproxy.workers.hanging.stacks import Stacks
from authproxy.workers.held_socket import HeldSocket
from authproxy.workers.parent_tokens import TokenDesk
from authproxy.workers.reports import Reports
from authproxy.workers.worker_channel import Message
from authproxy.workers.worker_process import WorkerProcess, how_it_ended

if TYPE_CHECKING:
    from authproxy.inspector.assembly import Recording
    from authproxy.observe.metrics.exchanges import ExchangeMetrics
    from authproxy.observe.metrics.histogram import Counts
    from authproxy.wire.admission.listener_rules import ListenerRules
    from authproxy.wire.listening.tls import Context

logger = logging.getLogger(__name__)

LIVED_S = 10.0
"""One that has lived for so long is replaced at once …"""
PAUSE_S, LONGEST_PAUSE_S = 0.25, 30.0
"""… others after a pause, which doubles each time."""
GRACE_S = 3.0
"""At the end, for workers whose time is up; then they are killed."""


class Crew:
    """The workers of one run."""

    def __init__(
        self,
        count: int,
        *,
        make: Callable[[int, Callable[[WorkerProcess, Message], None]], WorkerProcess]
        | None = None,
        pause_s: float = PAUSE_S,
        watch: Callable[[LoopTurns, Stacks], HangWatch] = HangWatch,
    ) -> None:
        """`make`: a worker with this number, and who hears it. `pause_s`: the first pause."""
        self._pause_s = pause_s
        self.draining = False
        self._common = CommonMemory(count)
        self._hangs = watch(self._common.turns, self._common.stacks)
        self._desk: TokenDesk | None = None
        self._reports = Reports()
        self._make = make or WorkerProcess
        self._numbers = range(1, count + 1)
        self._workers: dict[int, WorkerProcess] = {}
        self._held: list[HeldSocket] = []
        self._tasks = Tasks()
        self._answers = Tasks()
        self._current: Configuration | None = None
        self._prepared: Configuration | None = None
        self._is_leaving = False
        self._end = asyncio.Event()

    @property
    def workers(self) -> tuple[WorkerProcess, ...]:
        """Those that run or are being started, by number."""
        return tuple(self._workers[number] for number in sorted(self._workers))

    @property
    def serves(self) -> bool:
        return any(each.is_ready for each in self._workers.values())

    @property
    def pids(self) -> set[int]:
        return {each.pid for each in self.workers}

    # What only a crew does.

    def count_into(self, exchanges: "ExchangeMetrics", lag: "Counts") -> None:
        self._reports.counts.add_to = exchanges, lag

    def record_into(self, recording: "Recording") -> None:
        self._reports.record_into(recording)

    async def refresh(self) -> None:
        await asyncio.gather(*(each.count() for each in self.workers))

    def pool(self, service: str, own: PoolStatus) -> PoolStatus:
        return self._reports.counts.pool(service, own)

    async def start(self, settings: Settings, sockets: Sockets, sources: Sources) -> None:
        """All of them take connections when this returns. Raises StartError and ConfigError."""
        self._desk = TokenDesk(sources)
        self._current = Configuration(settings=settings, sockets=sockets)
        self._current.check()
        first = [asyncio.get_running_loop().create_future() for _ in self._numbers]
        for number, future in zip(self._numbers, first, strict=True):
            self._tasks.spawn(self._keep(number, future), name=f"worker {number}")
        await asyncio.gather(*first)
        looking = self._hangs.keep_looking(lambda: () if self.draining else self.workers)
        self._answers.spawn(looking, name="workers that hang")

    async def prepare(self, settings: Settings, sockets: Sockets) -> None:
        """Have all build it, beside what they use. Raises ConfigError."""
        self._prepared = configuration = Configuration(settings=settings, sockets=sockets)
        configuration.check()
        message = {"do": "prepare", **configuration.message()}
        asked = [each.prepare(message, configuration.descriptors) for each in self.workers]
        problems = [problem for found in await asyncio.gather(*asked) for problem in found]
        if problems:
            raise ConfigError(list(dict.fromkeys(problems)))

    async def switch(self) -> None:
        """Have them use what they have prepared. Those who do not are replaced."""
        assert self._prepared is not None  # noqa: S101 -- for the type checker
        self._current, self._prepared = self._prepared, None
        planned = {sock for sockets in self._current.sockets for sock in sockets}
        for held in list(self._held):
            if held.sock not in planned:
                held.close()  # before workers do: they take those who are in the queue
        await asyncio.gather(*(each.use() for each in self.workers))
        self._reports.counts.keep_only(self._current.settings.services)

    def drop(self) -> None:
        """What was prepared does not come into use."""
        self._prepared = None
        self.say({"do": "drop"})

    def say(self, message: Message) -> None:
        """To all."""
        for each in self.workers:
            each.say(message)

    def leave(self) -> None:
        """They are not ready any more, but still take requests."""
        self._is_leaving = True
        self.say({"do": "leave"})

    def reopen_logs(self) -> None:
        self.say({"do": "reopen"})

    def client_limits(self, limits: LimitSettings) -> ClientLimits:
        return self._common.limits.of_worker(0, limits)

    def whole(self, send: Send) -> Send:
        return self._common.lines.whole(send)

    # What a server of clients does, too.

    def listen(
        self, sock: socket.socket, rules: "ListenerRules", tls: "Context | None" = None
    ) -> HeldSocket:
        del rules, tls  # workers have their own
        held = HeldSocket(sock, self._held)
        self._held.append(held)
        return held

    listen_behind = listen

    def drain(self) -> None:
        if self.draining:
            return
        self.draining = True
        self._end.set()
        for held in list(self._held):
            held.close()
        self.say({"do": "drain"})

    def cut(self) -> None:
        self.say({"do": "cut"})

    async def shutdown(self, patience_s: float) -> None:
        self.drain()
        await self._tasks.settle(patience_s + GRACE_S)
        for each in self.workers:
            each.kill()
        await self._tasks.settle(GRACE_S)
        await self._tasks.cancel()
        await self._answers.cancel()

    def status(self) -> ServerStatus:
        processes = sum(each.is_ready for each in self.workers)
        return self._reports.counts.server(processes=processes, draining=self.draining)

    # One worker.

    async def _keep(self, number: int, first: "asyncio.Future[None]") -> None:
        """Have a worker of this number, until the end."""
        pause_s = self._pause_s
        while not self.draining:
            began = time.monotonic()
            error = await self._run(number, first)
            if first.done():
                self._tell(number, error)
            else:
                first.set_exception(StartError(f"worker {number}: {error}", hint=error.hint))
                return
            if time.monotonic() - began >= LIVED_S:
                pause_s = self._pause_s
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._end.wait()
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _tell(self, number: int, error: StartError) -> None:
        if not self.draining:
            next_ = f". {error.hint}" if error.hint else "; another one takes its place"
            logger.error("worker %d: %s%s", number, error, next_)
            self._reports.counts.replaced += 1

    async def _run(self, number: int, first: "asyncio.Future[None]") -> StartError:
        """One process, from its start to its end: how that came."""
        worker = self._workers[number] = self._make(number, self._hear)
        worker.is_awaited_by(first)
        try:
            await worker.start()
            self._tell_first(worker)
            if self.draining:
                worker.say({"do": "drain"})
            await worker.settled()
            how = how_it_ended(await worker.ended())
            return worker.failure or StartError(f"its process {how}")
        except OSError as error:
            return StartError(f"no process can be started: {error.strerror}")
        finally:
            worker.kill()
            self._common.gone(number)
            self._reports.gone(number)
            del self._workers[number]

    def _tell_first(self, worker: WorkerProcess) -> None:
        """What holds at this moment: there may have been a reload since its process was asked for,
        which it has not heard of, and which has closed sockets."""
        assert self._current is not None  # noqa: S101 -- for the type checker: it was given
        start = {
            "do": "start",
            "version": __version__,
            "worker": worker.number,
            "workers": len(self._numbers),
            "is_leaving": self._is_leaving,
            **self._reports.wanted,
            **self._current.message(),
        }
        worker.say(start, [*self._common.descriptors, *self._current.descriptors])

    def _hear(self, worker: WorkerProcess, message: Message) -> None:
        match message["do"]:
            case "ready":
                worker.became_ready()
                logger.info("worker %d takes connections, as process %d", worker.number, worker.pid)
            case "failed":
                worker.failure = StartError(message["error"], hint=message["hint"])
            case "counts" | "exchanges":
                self._reports.hear(worker.number, message)
            case _:
                self._answers.spawn(self._answer(worker, message), name="token for a worker")

    async def _answer(self, worker: WorkerProcess, question: Message) -> None:
        assert self._desk is not None  # noqa: S101 -- for the type checker
        answer = await self._desk.answer(question)
        if worker.channel is not None:
            worker.channel.answer(question, answer)

    def __repr__(self) -> str:
        ready = sum(each.is_ready for each in self.workers)
        return f"<Crew [{ready} of {len(self._numbers)} workers ready]>"
