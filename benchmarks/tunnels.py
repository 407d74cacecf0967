"""Many idle WebSockets through a proxy: what each costs it in memory."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.measure import RoundError
from benchmarks.peers import go
from benchmarks.processes import free_port, memory, running, wait_until_answers
from benchmarks.service import SMALL, Role, Service, bearer, trust

SOURCE = Path(__file__).with_name("tunnels.go")
AT_ONCE = 32
PATIENCE_S = 60
SETTLE_S = 1.0
FRAME = b"\x82\x82" + bytes(4) + b"hi"
"""A short binary message, masked with zeros (RFC 6455, 5.2)."""

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@contextmanager
def tunnel_serving(service: Service, core: int) -> Iterator[Service]:
    """The service, with a port for tunnels too."""
    port = free_port()
    command = [str(go.built(SOURCE)), "-listen", f"127.0.0.1:{port}", "-small", SMALL.decode()]
    command += ["-files", str(service.certificate)]
    log, env = service.folder / "tunnels.log", {"BENCH_TOKEN": service.token}
    with running(command, core=core, log=log, env=env) as program:
        headers, tls = bearer(service.token), trust(service.ca_file)
        wait_until_answers(program, port, SMALL, headers=headers, tls=tls)
        yield replace(service, ports={**service.ports, Role.TUNNEL: port})


def kib_per_pair(port: int, pid: int, count: int) -> float:
    """Open `count` tunnels through the proxy; what its processes grew by, for each.

    Raises RoundError when one of them cannot be opened, or does not work any more in the end.
    """
    try:
        return asyncio.run(_grown(port, pid, count))
    except (OSError, EOFError, TimeoutError) as error:
        raise RoundError(f"of {count} tunnels not all worked: {error!r}") from error


async def _grown(port: int, pid: int, count: int) -> float:
    async with asyncio.timeout(PATIENCE_S), AsyncExitStack() as stack:
        await stack.enter_async_context(
            _tunnels(port, AT_ONCE)
        )  # what the first ones load and keep
        before = memory(pid).resident_mib
        tunnels = await stack.enter_async_context(_tunnels(port, count))
        await asyncio.sleep(SETTLE_S)
        after = memory(pid).resident_mib
        for chunk in _chunks(tunnels):
            await asyncio.gather(*(_echo(ends) for ends in chunk))
    return (after - before) * 1024 / count


@asynccontextmanager
async def _tunnels(port: int, count: int) -> AsyncIterator[list[Ends]]:
    opened: list[Ends] = []
    try:
        for start in range(0, count, AT_ONCE):
            some = range(min(AT_ONCE, count - start))
            opened += await asyncio.gather(*(_open(port) for _ in some))
        yield opened
    finally:
        for _, writer in opened:
            writer.transport.abort()
        await asyncio.sleep(0)


async def _open(port: int) -> Ends:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    head = (
        f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    )
    writer.write(head.encode())
    answer = await reader.readuntil(b"\r\n\r\n")
    status_line, _, _ = answer.partition(b"\r\n")
    if not status_line.startswith(b"HTTP/1.1 101 "):
        raise RoundError(f"a tunnel was answered {status_line!r}")
    return reader, writer


async def _echo(ends: Ends) -> None:
    reader, writer = ends
    writer.write(FRAME)
    if await reader.readexactly(len(FRAME)) != FRAME:
        raise RoundError("a tunnel did not echo")


def _chunks(tunnels: list[Ends]) -> Iterator[list[Ends]]:
    for start in range(0, len(tunnels), AT_ONCE):
        yield tunnels[start : start + AT_ONCE]
