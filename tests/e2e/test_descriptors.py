"""Few descriptors: clients wait, nobody is failed, and the log says it in a line."""

import asyncio
import itertools
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.program import Program, clean_environment
from tests.support.raw import OK, Call, raw_service
from tests.support.talking import GET, answer_of, read_answer, read_rest, until

COUNT = 300
LINES = 5


@asynccontextmanager
async def limited(url: str, limit: int) -> AsyncIterator[Program]:
    """Ready; the hard limit is the same, so that it cannot be raised."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with Program(url, "--credentials", "none", "-l", "127.0.0.1:0", "--no-access-log") as it:
        set_limit(it, limit)
        yield it
    assert before == resource.getrlimit(resource.RLIMIT_NOFILE)


def set_limit(program: Program, limit: int) -> None:
    resource.prlimit(program.pid, resource.RLIMIT_NOFILE, (limit, 4096))


async def started_with(limit: int, url: str) -> asyncio.subprocess.Process:
    script = f'ulimit -n {limit}; exec "$@"'
    return await asyncio.create_subprocess_exec(
        *("sh", "-c", script, "sh", sys.executable, "-m", "authproxy", url),
        *("--credentials", "none", "-l", "127.0.0.1:0", "--no-access-log"),
        env=clean_environment(),
        stderr=asyncio.subprocess.PIPE,
    )


async def kept_alive(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET)
    await read_answer(reader)
    return reader, writer


@pytest.mark.parametrize("limit", [64, 24])
async def test_more_clients_than_fit_are_all_served_one_after_the_other(limit: int) -> None:
    async with raw_service() as service:
        process = await started_with(limit, service.url)
        assert process.stderr is not None
        said = await process.stderr.readuntil(b" -> ")
        rest = asyncio.gather(process.stderr.read(-1))
        port = int(said.rpartition(b"127.0.0.1:")[2].split()[0])
        places = int(said.partition(b"room for ")[2].split()[0])
        idle = [await kept_alive(port) for _ in range(places)]
        answers = await asyncio.gather(*(answer_of(port) for _ in range(COUNT)))
        assert b"" == await read_rest(idle[0][0])  # it has made room
        for _, writer in idle:
            writer.close()
        process.terminate()
        (more,) = await rest

        assert 143 == await process.wait()
    assert [b"HTTP/1.1 200 OK"] * COUNT == [answer.partition(b"\r\n")[0] for answer in answers]
    log = (said + more).decode()
    assert "Traceback" not in log
    assert log.count("\n") <= LINES
    assert "are taken, and more must wait: the limit of open files is" in log


async def test_a_limit_that_is_too_low_is_a_sentence() -> None:
    process = await started_with(16, "http://127.0.0.1:9")
    _, stderr = await process.communicate()

    assert 1 == process.returncode
    assert b"authproxy: the limit of open files is 16, and authproxy needs at least " in stderr
    assert b"Traceback" not in stderr


def limit_that_leaves(count: int, program: Program) -> int:
    """With it, so many more files can be opened: the limit is one of numbers, and some are free."""
    taken = {int(each.name) for each in Path(f"/proc/{program.pid}/fd").iterdir()}
    free = (number for number in itertools.count() if number not in taken)
    return next(itertools.islice(free, count, None))


async def test_descriptors_that_run_out_all_the_same_are_said_and_survived() -> None:
    """As when others on the machine have taken them."""
    hold = asyncio.Event()

    async def talk(call: Call) -> None:
        while await call.read_head():
            await hold.wait()
            await call.say(OK)

    async with raw_service(talk) as service, limited(service.url, 4096) as program:
        await until(lambda: len(service.calls) == 1)  # opened beforehand
        waiting = [await asyncio.open_connection("127.0.0.1", program.port)]
        waiting[0][1].write(GET)
        await until(lambda: len(service.heads) == 1)
        set_limit(program, limit_that_leaves(1, program))
        failed = await answer_of(program.port)
        set_limit(program, limit_that_leaves(0, program))
        late = asyncio.gather(answer_of(program.port))
        await program.hear("cannot accept connections at .*: Too many open files")
        set_limit(program, 4096)
        hold.set()
        answer = await late
        for _, writer in waiting:
            writer.close()

    assert failed.startswith(b"HTTP/1.1 502 ")
    assert b"authproxy may open no more files, so http://localhost:" in failed
    assert [True] == [each.startswith(b"HTTP/1.1 200 OK") for each in answer]
    assert program.stderr.count("\n") <= LINES
    assert "Traceback" not in program.stderr
