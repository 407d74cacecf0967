"""authproxy with several workers, and clients that keep their connections."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.program import Program
from tests.support.talking import GET, read_answer, until

Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]
PLAIN = ("--credentials", "none", "-l", "127.0.0.1:0")
TAKES = re.compile(r"worker \d+ takes connections, as process (\d+)")


def pids(program: Program) -> list[int]:
    """Of all workers there ever were, as the log names them."""
    return [int(pid) for pid in TAKES.findall(program.stderr)]


@asynccontextmanager
async def workers(url: str, *more: str | Path, count: int = 2) -> AsyncIterator[Program]:
    async with Program(url, *PLAIN, "--workers", str(count), *more) as program:
        await until(lambda: len(pids(program)) == count)
        yield program


class Clients:
    """Connections that are closed when it is left."""

    def __init__(self) -> None:
        self.wires: list[Wire] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for _, writer in self.wires:
            writer.close()
        closed = (writer.wait_closed() for _, writer in self.wires)
        await asyncio.gather(*closed, return_exceptions=True)

    async def connect(self, program: Program, request: bytes = b"") -> Wire:
        return await self.connect_to(program.port, request)

    async def connect_to(self, port: int, request: bytes = b"") -> Wire:
        wire = await asyncio.open_connection("127.0.0.1", port)
        self.wires.append(wire)
        wire[1].write(request)
        return wire

    async def several(self, program: Program, count: int, request: bytes = GET) -> list[Wire]:
        return [await self.connect(program, request) for _ in range(count)]


async def answers(wires: Sequence[Wire]) -> list[bytes]:
    """The status and the body of each."""
    found = [await read_answer(reader) for reader, _ in wires]
    return [head[9:12] + b" " + body[:2] for head, body in found]


async def lives(wire: Wire) -> bool:
    reader, writer = wire
    try:
        writer.write(GET)
        head, _ = await read_answer(reader)
    except (ConnectionError, asyncio.IncompleteReadError):
        return False
    return head.startswith(b"HTTP/1.1 200")
