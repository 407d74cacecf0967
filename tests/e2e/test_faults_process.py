"""Faults of the process itself: killed at any moment, without memory, suspended for longer than its
tokens live."""

import asyncio
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from authproxy.demo.world import World
from tests.e2e.test_tokens import ask, in_front_of
from tests.support.program import UNWATCHED, Program, clean_environment, run_to_end
from tests.support.raw import OK, Call, raw_service
from tests.support.talking import LAST_GET, get, post, read_rest, until


class House:
    """What one authproxy after the other uses: a port, a Unix socket, a log, a folder for what
    `authproxy status` reads."""

    def __init__(self, folder: Path, world: World, slow_url: str) -> None:
        self.world = world
        self.config, self.socket = folder / "authproxy.toml", folder / "socket"
        self.environ = {**world.environment, "TMPDIR": str(folder), "XDG_RUNTIME_DIR": ""}
        self.slow_url = slow_url
        self.port = 0
        self.wires: list[asyncio.StreamWriter] = []

    def write(self, more: str = "") -> None:
        self.config.write_text(
            f'listen = ["127.0.0.1:{self.port}", "unix:{self.socket}"]\nadmin = "127.0.0.1:0"\n'
            f'[log]\nfile = "{self.socket}.log"\n[services.a]\nurl = "{self.world.url}"\n'
            f'credentials = "metadata"\nca_file = "{self.world.ca_file}"\n'
            f'[services.slow]\nurl = "{self.slow_url}"\ncredentials = "none"\n{more}'
        )

    def program(self) -> Program:
        return Program("-c", self.config, environ=self.environ)

    def notes(self) -> list[str]:
        """Whose admin listeners `authproxy status` would ask."""
        return [path.stem for path in self.socket.parent.rglob("*.admin")]

    async def ask(self, host: str) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_unix_connection(self.socket)
        writer.write(get("/", "Connection: close", host=host))
        self.wires.append(writer)
        return reader


async def rests(_: House, __: Program) -> None:
    """It is ready, and that is all."""


async def serves(house: House, _: Program) -> None:
    """A request is with a service that does not answer."""
    await house.ask("slow.localhost")


async def reloads(house: House, program: Program) -> None:
    house.write('[services.b]\nurl = "http://127.0.0.1:9"\ncredentials = "none"\n')
    program.signal(signal.SIGHUP)


async def mints(house: House, program: Program) -> None:
    """A process apart waits for Google, and a request for both."""
    house.world.google.metadata.delay_s = 30
    program.signal(signal.SIGHUP)
    house.write('[services.c]\nurl = "http://127.0.0.1:9"\ncredentials = "metadata"\n')
    await house.ask("c.localhost")


async def kill_as_it_starts(house: House) -> None:
    """As soon as its socket is there, which is before it is ready."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "authproxy", "-c", house.config),
        env=clean_environment(house.environ),
        stderr=asyncio.subprocess.DEVNULL,
    )
    await until(house.socket.exists)
    process.kill()
    await process.wait()


@pytest.mark.parametrize("stage", [rests, serves, reloads, mints])
async def test_after_a_kill_the_next_start_is_not_hindered_by_what_is_left(
    stage: Callable[[House, Program], Awaitable[None]], world: World, tmp_path: Path
) -> None:
    async def hang(call: Call) -> None:
        await call.read_head()
        await call.reader.read(-1)

    async with raw_service(hang) as slow:
        house = House(tmp_path, world, slow.url)
        house.write()
        async with house.program() as first:
            house.port = first.port
            await stage(house, first)
            first.signal(signal.SIGKILL)
            assert -9 == await first.wait()
        assert house.socket.exists()
        world.google.metadata.delay_s = 0
        house.write()
        await kill_as_it_starts(house)
        async with house.program() as second:
            answer = await read_rest(await house.ask("a.localhost"))
            status, _, _ = await run_to_end("status", environ=house.environ)
            notes = house.notes()
        for writer in house.wires:
            writer.close()

    assert b"HTTP/1.1 200 OK" == answer[:15]
    assert (0, [str(second.pid)]) == (status, notes)
    assert house.port == second.port


def address_space(program: Program) -> int:
    for line in Path(f"/proc/{program.pid}/status").read_text().splitlines():
        if line.startswith("VmSize:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmSize")


CLIENTS, ROOM = 300, 2_000_000
"""Each with 1 MB of a body and 20 KB of fields, where there are 2 MB for all of them."""
PATIENCE_S = 3
"""Of a client."""
RECOVERS_IN_S = 20
"""A lookup that was lost is shared for ten seconds, and bounded by `timeouts.connect`."""


async def upload(port: int) -> bytes:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:
        return b"cut"
    try:
        writer.write(post(b"x" * 1_000_000, "X-Filler: " + "y" * 20_000))
        async with asyncio.timeout(PATIENCE_S):
            return (await reader.readuntil(b"\r\n"))[9:12]
    except (ConnectionError, asyncio.IncompleteReadError):
        return b"cut"
    except TimeoutError:
        return b"late"
    finally:
        writer.transport.abort()


async def test_without_memory_requests_wait_or_are_told_and_it_goes_on() -> None:
    async def talk(call: Call) -> None:
        while head := await call.read_head():
            if length := head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]:
                await call.reader.readexactly(int(length))
            await call.say(OK)

    plain = ("--credentials", "none", "-l", "127.0.0.1:0", "--no-access-log")
    async with (
        raw_service(talk) as service,
        Program(service.url, *plain, environ=UNWATCHED) as program,
    ):
        limit = address_space(program) + ROOM
        resource.prlimit(program.pid, resource.RLIMIT_AS, (limit, -1))
        answers = set(await asyncio.gather(*(upload(program.port) for _ in range(CLIENTS))))
        resource.prlimit(program.pid, resource.RLIMIT_AS, (-1, -1))
        async with asyncio.timeout(RECOVERS_IN_S):
            while await upload(program.port) != b"200":
                pass

    assert {b"200", b"502", b"503", b"cut", b"late"} >= answers


LIFE_S = 6
"""Of a token; it is stale, and refreshed, some time before that."""


async def test_a_token_that_ended_while_the_process_was_suspended_is_not_sent() -> None:
    async with World(token_life_s=LIFE_S) as world:
        async with in_front_of(world, "--credentials", "metadata") as program:
            assert b"HTTP/1.1 200 OK\r\n" == await ask(program.port)
            program.signal(signal.SIGSTOP)
            before = world.google.mints_of(world.url)
            waiting = [asyncio.open_connection("127.0.0.1", program.port) for _ in range(100)]
            wires = await asyncio.gather(*waiting)
            for _, writer in wires:
                writer.write(LAST_GET)
            await asyncio.sleep(LIFE_S + 0.5)  # what it slept is what is tried here
            program.signal(signal.SIGCONT)
            answers = [await read_rest(reader) for reader, _ in wires]
            for _, writer in wires:
                writer.close()
            minted = world.google.mints_of(world.url) - before
        reasons = {seen.reason for seen in world.cloud_run.seen}

    assert {b"HTTP/1.1 200 OK"} == {answer[:15] for answer in answers}
    assert {""} == reasons
    assert 1 == minted
