import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from authproxy.mcp.stdio import Stdio


@asynccontextmanager
async def client() -> AsyncIterator[tuple[Stdio, int, int]]:
    """Its lines, where to write them, and where what is written comes out."""
    theirs, ours = os.pipe(), os.pipe()
    stdio = Stdio(theirs[0], ours[1])
    yield stdio, theirs[1], ours[0]


async def read_all(stdio: Stdio) -> list[bytes]:
    async with asyncio.timeout(20):
        return [line async for line in stdio.lines()]


async def test_lines_are_taken_apart_however_they_come() -> None:
    async with client() as (stdio, into, _):
        reading = asyncio.get_running_loop().create_task(read_all(stdio))
        for piece in (b"one\ntw", b"o\n\n  \nthree", b"\r\nfour"):
            os.write(into, piece)
        os.close(into)

        assert [b"one", b"two", b"three\r", b"four"] == await reading


async def test_a_large_line_is_one_line() -> None:
    async with client() as (stdio, into, _):
        reading = asyncio.get_running_loop().create_task(read_all(stdio))
        large = b"x" * 20_000_000
        await asyncio.to_thread(_write_all, into, large + b"\nend")

        assert [large, b"end"] == await reading


def _write_all(fd: int, data: bytes) -> None:
    with os.fdopen(fd, "wb") as file:
        file.write(data)


async def test_messages_are_written_whole_one_after_the_other() -> None:
    async with client() as (stdio, into, out):
        messages = [bytes([65 + number]) * 300_000 for number in range(8)]
        reading = asyncio.get_running_loop().create_task(
            asyncio.to_thread(_read_bytes, out, 8 * 300_001)
        )
        await asyncio.gather(*map(stdio.write, messages))

        assert set(messages) == set((await reading).split(b"\n")[:-1])
        assert "<Stdio [client here]>" == repr(stdio)
    os.close(into)


def _read_bytes(fd: int, count: int) -> bytes:
    parts = []
    while count > 0:
        parts.append(os.read(fd, count))
        count -= len(parts[-1])
    return b"".join(parts)


async def test_a_client_that_does_not_read_any_more_is_gone() -> None:
    async with client() as (stdio, into, out):
        os.close(out)
        await stdio.write(b"a")
        await stdio.write(b"b")

        assert stdio.gone.is_set()
        assert "<Stdio [client gone]>" == repr(stdio)
    os.close(into)


async def test_sockets_that_do_not_wait_will_do() -> None:
    """As some clients hand them over."""
    theirs, ours = socket.socketpair()
    ours.setblocking(False)
    stdio = Stdio(ours.fileno(), ours.fileno())
    reading = asyncio.get_running_loop().create_task(read_all(stdio))
    large = b"y" * 3_000_000
    writing = asyncio.get_running_loop().create_task(stdio.write(large))

    assert large + b"\n" == await asyncio.to_thread(_read_bytes, theirs.fileno(), 3_000_001)
    await writing
    theirs.sendall(b"a\n")
    theirs.shutdown(socket.SHUT_WR)
    assert [b"a"] == await reading
    theirs.close()
    ours.close()


TAKES = """
import os, subprocess, sys
from authproxy.mcp.stdio import take_descriptors
reads, writes = take_descriptors()
print("printed")
os.write(1, b"written ")
subprocess.run(["sh", "-c", "echo from a child; cat"])
os.write(writes, os.read(reads, 99))
"""


@pytest.mark.parametrize("has_stderr", [True, False])
def test_nothing_but_messages_gets_to_stdout_and_nobody_else_reads(has_stderr: bool) -> None:
    closed = "" if has_stderr else " 2>&-"
    done = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -c "$0"{closed}', TAKES],
        input=b"message",
        capture_output=True,
        check=False,
    )

    said = {b"printed", b"written", b"from", b"a", b"child"} if has_stderr else set()
    assert (b"message", said) == (done.stdout, set(done.stderr.split()))


def test_a_client_that_closed_its_pipes_first_has_said_nothing() -> None:
    takes = (
        "from authproxy.mcp.stdio import *; r, w = take_descriptors(); sys.exit(len(os.read(r, 9)))"
    )
    done = subprocess.run(
        ["sh", "-c", f"\"{sys.executable}\" -c '{takes}' <&- >&-"],
        capture_output=True,
        check=False,
    )

    assert (0, b"") == (done.returncode, done.stderr)
