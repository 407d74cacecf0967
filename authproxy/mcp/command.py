"""`authproxy mcp`: from the client's first line to its last.

It ends with its client, however that ends: stdin closes, stdout breaks, the process that started it
is no more, or a signal comes.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable

from authproxy.errors import ConfigError
from authproxy.event_loop import choose_transports, with_resolver
from authproxy.identity.apart.helper import Helper
from authproxy.identity.google import MODULE
from authproxy.identity.machine import Machine
from authproxy.mcp.bridge import Bridge
from authproxy.mcp.failures import Failed
from authproxy.mcp.proxy import Load, OwnProxy
from authproxy.mcp.stdio import Stdio, take_descriptors
from authproxy.observe import logs
from authproxy.observe.stream import open_stream
from authproxy.system.orphans import Orphans
from authproxy.system.signals import on_signal
from authproxy.tasks import Tasks
from authproxy.wire.upstream.connect_errors import note_loop_error

logger = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM)
LAST_ANSWERS_S = 1.0
"""How long requests in flight may take after the client has said its last word. Clients wait two
seconds before they use force."""
GOODBYE_S = 0.5
PARENT_S = 1.0
LOG_PATIENCE_S = 0.2


def run(load: Load, path: str, say_problems: Callable[[ConfigError], int]) -> int:
    """Be an MCP server on stdio; the exit code.

    A configuration that cannot be used is said on stderr, by `say_problems`, and to every request.
    At a terminal there is no client that would ask: raises ConfigError.
    """
    parent = os.getppid()
    try:
        load()
    except ConfigError as error:
        if sys.stdin is not None and sys.stdin.isatty():
            raise
        say_problems(error)
    stream = open_stream(sys.stderr)
    logs.configure("info", "text", stream)
    try:
        loops = with_resolver(choose_transports())
        with (
            Machine(helper=Helper(MODULE)) as machine,
            asyncio.Runner(loop_factory=loops) as runner,
        ):
            client = Stdio(*take_descriptors())
            proxy = OwnProxy(load, path, machine)
            return runner.run(_serve(client, proxy, parent, Orphans(lambda: machine.pids)))
    finally:
        stream.drain(LOG_PATIENCE_S)


async def _serve(client: Stdio, proxy: OwnProxy, parent: int, orphans: Orphans) -> int:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(note_loop_error)
    over: asyncio.Future[int] = loop.create_future()

    def end(code: int) -> None:
        if not over.done():
            over.set_result(code)

    for number in SIGNALS:
        on_signal(loop, number.name, end, 128 + number)
    on_signal(loop, "SIGCHLD", orphans.child_ended)
    bridge, tasks = Bridge(client.write, proxy.connect, proxy.connect_older), Tasks()
    tasks.spawn(orphans.keep_reaping(), name="orphans")
    tasks.spawn(_start(proxy), name="start")
    tasks.spawn(_take_all(client, bridge, end), name="stdin")
    tasks.spawn(_wait_for_client(client, end), name="stdout")
    tasks.spawn(_wait_for_parent(parent, end), name="parent")
    try:
        return await over
    finally:
        await tasks.cancel()
        await bridge.close(GOODBYE_S)
        await proxy.close()


async def _start(proxy: OwnProxy) -> None:
    """Before the first request: the token is there then. What fails is said to each request."""
    try:
        await proxy.connect()
    except Failed as failed:
        logger.debug("not started yet: %s", failed)


async def _take_all(client: Stdio, bridge: Bridge, end: Callable[[int], None]) -> None:
    async for line in client.lines():
        await bridge.take(line)
    await bridge.settle(LAST_ANSWERS_S)
    left = bridge.in_flight
    if left:
        # Who writes requests into a pipe, and reads what comes, wonders where the answer is.
        logger.warning(
            "stdin has ended, and within %g s there was no answer to %s; keep stdin open until"
            " the answers have come",
            LAST_ANSWERS_S,
            ", ".join(left),
        )
    end(0)


async def _wait_for_client(client: Stdio, end: Callable[[int], None]) -> None:
    await client.gone.wait()
    end(0)


async def _wait_for_parent(parent: int, end: Callable[[int], None]) -> None:
    """Others may hold the client's pipes open after it has died."""
    while os.getppid() == parent:  # noqa: ASYNC110 -- no event tells of it on every system
        await asyncio.sleep(PARENT_S)
    end(0)
