"""Runs a proxy as a process: start, signals, stop."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence

from authproxy.event_loop import choose_transports, with_resolver
from authproxy.identity.apart.forked import Forked
from authproxy.identity.apart.helper import Helper
from authproxy.identity.google import MODULE
from authproxy.identity.machine import Machine
from authproxy.runtime.admin import find_place
from authproxy.runtime.banner import start_banner
from authproxy.runtime.inspector import find_recording
from authproxy.runtime.open_sockets import OtherServers
from authproxy.runtime.process import last_resort, memory, memory_shortage
from authproxy.runtime.process.counters import limits_of_one_process
from authproxy.runtime.process.log_output import LogOutput, open_log
from authproxy.runtime.process.notifications import READY, STOPPING, Notifications
from authproxy.runtime.process.observers import make_observers
from authproxy.runtime.process.tracing import Tracing, open_tracing
from authproxy.runtime.proxy import Proxy
from authproxy.runtime.reload import ConfigOrigin, reloads_on_hangup
from authproxy.settings import Settings
from authproxy.system import signals
from authproxy.system.orphans import Orphans
from authproxy.tasks import Tasks
from authproxy.wire.upstream.connect_errors import note_loop_error

logger = logging.getLogger(__name__)

Ready = Callable[[Sequence[str]], None]
END_S = 5.0
"""For all that is left to do at the end; after that the process is ended from outside of it."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)
REOPEN, RELOAD = "SIGUSR1", "SIGHUP"
"""Whoever has moved the log file away says so; it would end us if we did not listen."""


def run(
    settings: Settings,
    on_ready: Ready | None = None,
    origin: ConfigOrigin | None = None,
    others: OtherServers | None = None,
    helper: Forked | None = None,
) -> int:
    """Serve until a signal says stop; the exit code. Raises StartError.

    `on_ready` gets the listeners' URLs once requests are taken. `origin`: where `settings` come
    from. `others` answer the clients, in place of this process, but not those of the authorizer.
    `helper`: the first process that fetches tokens.
    """
    answers = others is None or bool(settings.authorizer.places)
    admin = find_place(settings, at_terminal=sys.stderr is not None and sys.stderr.isatty())
    log = open_log(settings) if others is None else open_log(settings, others.whole)
    tracing = open_tracing(settings, os.environ) if answers else Tracing()
    _raise_file_limit()
    memory.keep_what_was_freed()
    for number in SIGNALS:
        signal.signal(number, signals.stop_at_once)
    signals.ignore(REOPEN)  # the log file has just been opened
    if reloads_on_hangup(origin):
        signals.ignore(RELOAD)  # and so has the configuration
    try:
        loops = memory_shortage.going_on(with_resolver(choose_transports()))
        with (
            Machine(helper=Helper(MODULE, forked=helper)) as machine,
            asyncio.Runner(loop_factory=loops) as runner,
        ):
            count = limits_of_one_process if others is None else others.client_limits
            proxy = Proxy(
                settings,
                log.stderr,
                make_observers(settings, log, tracing) if answers else (),
                machine,
                count(settings.limits),
                admin,
                find_recording(settings, admin, is_told=others is not None),
                origin,
                trace_of=tracing.trace_of,
                others=others,
            )
            orphans = Orphans(lambda: machine.pids | (set() if others is None else others.pids))
            return runner.run(_serve_until_signal(proxy, log, on_ready, orphans))
    finally:
        tracing.flush()
        log.drain()


async def _serve_until_signal(
    proxy: Proxy, log: LogOutput, on_ready: Ready | None, orphans: Orphans
) -> int:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(note_loop_error)
    stop: asyncio.Future[int] = loop.create_future()
    hurry = asyncio.Event()

    def stopped(number: int) -> None:
        if stop.done():
            hurry.set()
            proxy.cut()
        else:
            stop.set_result(128 + number)

    def leave() -> None:
        if not stop.done():
            stop.set_result(0)

    proxy.inside.on_quit = leave
    tasks, hangup, systemd = Tasks(), asyncio.Event(), Notifications(os.environ)
    if proxy.reloads_on_hangup:
        signals.on_signal(loop, RELOAD, hangup.set)  # one at the start is not lost
    async with proxy:
        tasks.spawn(memory.keep_giving_back(memory.find_trim()), name="memory")
        signals.on_signal(loop, "SIGCHLD", orphans.child_ended)
        tasks.spawn(orphans.keep_reaping(), name="orphans")
        for number in SIGNALS:
            signals.on_signal(loop, number.name, stopped, number)
        signals.on_signal(loop, REOPEN, _reopen, log, proxy)
        tasks.spawn(_reload_at(hangup, proxy), name="SIGHUP")
        start_banner(tasks, proxy.inside, log.stderr, proxy.admin_url)
        if on_ready is not None:
            on_ready(proxy.urls)
        systemd.say(READY)
        tasks.spawn(systemd.keep_alive(), name="watchdog")  # until all has ended, too
        code = await stop
        systemd.say(STOPPING)
        await _stop(proxy, code, hurry)
    return code


def _reopen(log: LogOutput, proxy: Proxy) -> None:
    log.reopen()
    proxy.reopen_logs()


async def _reload_at(hangup: asyncio.Event, proxy: Proxy) -> None:
    """Until cancelled."""
    while True:
        await hangup.wait()
        hangup.clear()
        proxy.reload_soon("SIGHUP")


async def _stop(proxy: Proxy, code: int, hurry: asyncio.Event) -> None:
    """First load balancers are to send nothing more, then nothing more is taken."""
    timeouts = proxy.settings.timeouts
    delay_s = 0.0 if code == 128 + signal.SIGINT else timeouts.drain_delay  # a person waits
    last_resort.end_after(delay_s + timeouts.drain + END_S, code)
    if delay_s:
        proxy.leave()
        logger.info("stopping in %g s: not ready any more, but still taking requests", delay_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await hurry.wait()
    proxy.drain()
    logger.info("stopping: %s", proxy.last_requests)


def _raise_file_limit() -> None:
    """Two sockets for each exchange: the usual soft limit of 1024 files is soon reached."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
