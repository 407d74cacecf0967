"""Large and endless bodies: memory stays bounded, whoever is slow."""

import asyncio
import re
import sys
from itertools import pairwise
from pathlib import Path

from authproxy.demo.world import World
from tests.support.program import Program
from tests.support.raw import Call, raw_service

GIB = 1 << 30
MIB = 1 << 20
LIMIT_KB = 100 * 1024


def peak_kb(pid: int) -> int:
    """The most memory that the process ever held, as Linux counts it."""
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert match is not None
    return int(match[1])


async def curl(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "curl", "-sS", *arguments, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(50):
        stdout, _ = await process.communicate()
    return stdout.decode()


async def test_gibibyte_down_stays_small() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIB)
        for _ in range(GIB // MIB):
            await call.say(bytes(MIB))

    async with (
        raw_service(talk) as service,
        Program(service.url, "--credentials", "none", "-l", "127.0.0.1:0") as proxy,
    ):
        size = await curl("-o", "/dev/null", "-w", "%{size_download}", proxy.url)
        peak = peak_kb(proxy.pid) if sys.platform == "linux" else 0

    assert size == str(GIB)
    assert peak < LIMIT_KB


async def test_gibibyte_up_stays_small(tmp_path: Path) -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        left = GIB
        while left > 0:
            left -= len(await call.reader.read(MIB))
        await call.say(b"HTTP/1.1 204 No Content\r\n\r\n")

    sparse = tmp_path / "zeros"
    with sparse.open("wb") as file:
        file.truncate(GIB)
    async with (
        raw_service(talk) as service,
        Program(service.url, "--credentials", "none", "-l", "127.0.0.1:0") as proxy,
    ):
        answer = await curl("-w", "%{http_code} %{size_upload}", "-T", str(sparse), proxy.url)
        peak = peak_kb(proxy.pid) if sys.platform == "linux" else 0

    assert answer == f"204 {GIB}"
    assert peak < LIMIT_KB


async def test_slow_reader_makes_the_service_wait(world: World, proxy: Program) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, limit=MIB)
    writer.write(b"GET /download?bytes=200000000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    # Nothing is read now. When the world's service cannot write either, all buffers are full.
    before = -1
    while (peak := peak_kb(proxy.pid)) != before:
        before = peak
        await asyncio.sleep(0.3)
    writer.transport.abort()

    assert peak < LIMIT_KB


async def test_events_come_as_they_happen(proxy: Program) -> None:
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"GET /clock HTTP/1.1\r\nHost: localhost\r\n\r\n")
    arrivals: list[float] = []
    async with asyncio.timeout(20):
        while len(arrivals) < 3:
            if (await reader.readline()).startswith(b"data:"):
                arrivals.append(loop.time())
    writer.close()

    assert all(later - earlier > 0.5 for earlier, later in pairwise(arrivals))
