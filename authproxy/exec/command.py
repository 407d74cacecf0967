"""`authproxy exec`: from the start of the proxy to the exit code of CMD."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from authproxy.event_loop import choose_transports, with_resolver
from authproxy.exec.child import Child
from authproxy.exec.own_settings import FORWARD, ExecOptions, for_command
from authproxy.exec.placeholders import ServiceUrls, environment
from authproxy.exec.quiet_log import open_output
from authproxy.identity.machine import Machine
from authproxy.own_use import build_proxy
from authproxy.runtime.process.tracing import open_tracing
from authproxy.runtime.proxy import Proxy
from authproxy.settings import Settings
from authproxy.system.orphans import Orphans
from authproxy.system.signals import signals, stop_at_once
from authproxy.tasks import Tasks
from authproxy.wire.upstream.connect_errors import note_loop_error

STOPPED = signals("SIGINT", "SIGTERM", "SIGHUP")


def run(settings: Settings, argv: Sequence[str], options: ExecOptions, machine: Machine) -> int:
    """Run CMD with a proxy of its own; its exit code. Raises StartError."""
    settings = for_command(settings, options)
    tracing = open_tracing(settings, machine.environ)
    output, observers, kept = open_output(settings, tracing, live=options.live_log)
    files = _raise_file_limit()
    for number in STOPPED:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop_at_once)  # until CMD is started
    try:
        loops = with_resolver(choose_transports())
        with asyncio.Runner(loop_factory=loops) as runner:
            proxy = build_proxy(settings, observers, machine)
            command = Planned(argv, options, machine.environ, files)
            return runner.run(_run(proxy, command, machine))
    finally:
        tracing.flush()
        output.drain()
        kept.say(PurePath(argv[0]).name, _complain)


class Planned:
    """CMD, as it was asked for."""

    def __init__(
        self,
        argv: Sequence[str],
        options: ExecOptions,
        environ: Mapping[str, str],
        files: tuple[int, int] | None,
    ) -> None:
        self._argv = argv
        self._options = options
        self._environ = environ
        self._files = files

    def start(self, opened: Mapping[str, str]) -> Child:
        """`opened`: the URL of each service by its name, and of FORWARD. Raises CannotRunError."""
        urls = ServiceUrls({name: url for name, url in opened.items() if name != FORWARD})
        environ = environment(self._environ, urls, self._options.variables, opened.get(FORWARD))
        return Child([urls.fill(text) for text in self._argv], environ, self._files)

    def __repr__(self) -> str:
        return f"<Planned {self._argv[0]}>"


async def _run(proxy: Proxy, command: Planned, machine: Machine) -> int:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(note_loop_error)
    tasks = Tasks()
    async with proxy:
        urls = [url.rstrip("/") for url in proxy.urls]
        names = [listener.service or FORWARD for listener in proxy.settings.listeners.values()]
        child = command.start(dict(zip(names, urls, strict=True)))
        orphans = Orphans(lambda: {child.pid, *machine.pids})
        tasks.spawn(orphans.keep_reaping(), name="orphans")
        code = await child.wait(orphans.child_ended)
        await child.end_rest()
        await tasks.cancel()
        proxy.cut()
    return code


def _raise_file_limit() -> tuple[int, int] | None:
    """Two sockets for each exchange. CMD gets the limit that was there before: programs that use
    select() cannot have more than 1024. None where there is no limit."""
    try:
        import resource
    except ImportError:
        return None
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    return before


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
