"""The command as a client starts it: a process with pipes."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.mcp_server import McpServer
from tests.support.program import clean_environment, left_of
from tests.support.secrecy import overhear

PATIENCE_S = 20


class Started:
    """What a client has of the command it started."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            answer: dict[str, Any] = json.loads(await self.process.stdout.readline())
            return answer

    async def rest(self) -> tuple[int, bytes, str]:
        """What is left of stdout and stderr, and the exit code."""
        async with asyncio.timeout(PATIENCE_S):
            out, err = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, out, overhear("stderr of authproxy", err.decode())


@asynccontextmanager
async def started(
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    stdout: int = asyncio.subprocess.PIPE,
) -> AsyncIterator[Started]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "authproxy", "mcp", *arguments),
        env=clean_environment(environ),
        stdin=asyncio.subprocess.PIPE,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        limit=1 << 25,
    )
    try:
        yield Started(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def server() -> AsyncIterator[tuple[McpServer, str]]:
    """On TCP, and its address."""
    from aiohttp import web

    server = McpServer()
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", server.handle)
    runner = web.AppRunner(
        application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield server, f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
    finally:
        await runner.cleanup()


async def test_it_ends_with_its_clients_last_word_after_the_last_answer() -> None:
    async with server() as (serves, url), started(url, "--credentials", "none") as client:
        assert "result" in await client.ask("initialize")
        assert client.process.stdin is not None
        client.process.stdin.write(b'{"jsonrpc": "2.0", "id": 2, "method": "ping"}\n')
        client.process.stdin.close()
        code, out, err = await client.rest()

    assert (0, 2) == (code, json.loads(out)["id"])
    assert f"authproxy: stdio -> {url}\n" in err
    assert ["initialize", "ping", "DELETE"] == serves.methods()


async def test_it_says_which_requests_its_clients_end_leaves_without_an_answer() -> None:
    async with server() as (_, url), started(url, "--credentials", "none") as client:
        await client.ask("initialize")
        assert "notifications/progress" == (await client.ask("tools/call", name="wait"))["method"]
        assert client.process.stdin is not None
        client.process.stdin.close()
        code, out, err = await client.rest()

    assert (0, b"") == (code, out)
    assert "no answer to tools/call; keep stdin open until the answers have come" in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_with_calls_in_flight(number: signal.Signals) -> None:
    async with server() as (serves, url), started(url, "--credentials", "none") as client:
        await client.ask("initialize")
        assert "notifications/progress" == (await client.ask("tools/call", name="wait"))["method"]
        client.process.send_signal(number)
        code, out, _ = await client.rest()
        async with asyncio.timeout(PATIENCE_S):
            await serves.left.wait()

    assert (128 + number, b"") == (code, out)


async def test_it_ends_when_nobody_reads_any_more() -> None:
    reads, writes = os.pipe()
    arguments = ("https://a.example", "--credentials", "none")
    async with started(*arguments, stdout=writes) as client:
        os.close(writes)
        os.close(reads)
        assert client.process.stdin is not None
        client.process.stdin.write(b"what is no message gets an answer\n")
        async with asyncio.timeout(PATIENCE_S):
            assert 0 == await client.process.wait()


LAUNCH = """
import os, subprocess, sys
reads, writes = os.pipe()  # the child has both ends, so its stdin never ends
child = subprocess.Popen(
    [sys.executable, "-m", "authproxy", "mcp", *sys.argv[1:]],
    stdin=reads, stderr=subprocess.PIPE, pass_fds=[writes],
)
while b"stdio ->" not in child.stderr.readline():
    pass
print(child.pid, flush=True)
os.kill(os.getpid(), 9)
"""


async def test_it_ends_with_the_process_that_started_it_though_its_pipes_stay_open() -> None:
    async with server() as (_, url):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", LAUNCH, url, "--credentials", "none"),
            env=clean_environment(None),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            pid = int(await process.stdout.readline())
            assert b"" == await process.stdout.read()  # held by the bridge until it has ended
            await process.wait()

    assert [] == left_of([pid])


CHILD = "import sys, time; open(sys.argv[1], 'w').close(); time.sleep(99)"


async def test_no_program_that_prints_tokens_is_left_behind(tmp_path: Path) -> None:
    began = tmp_path / "began"
    source = f'command:{sys.executable} -c "{CHILD}" {began}'
    async with started("https://127.0.0.1:1/mcp", "--credentials", source) as client:
        async with asyncio.timeout(PATIENCE_S):
            while not began.exists():  # noqa: ASYNC110 -- another process makes it
                await asyncio.sleep(0.01)
        assert client.process.stdin is not None
        client.process.stdin.close()
        code, out, _ = await client.rest()  # stderr, which the program has too, is closed then

    assert (0, b"") == (code, out)


async def test_a_configuration_that_cannot_be_used_is_said_to_each_request(
    tmp_path: Path,
) -> None:
    """And to no terminal alone: the client shows only what comes by the protocol."""
    file = tmp_path / "a.toml"
    file.write_text('[services.a]\nurl = "htps://a.example"\n')
    async with server() as (_, url), started("a", "-c", str(file)) as client:
        failed = await client.ask("initialize")
        file.write_text(f'[services.a]\nurl = "{url}"\ncredentials = "none"\n')
        works = await client.ask("initialize")
        assert client.process.stdin is not None
        client.process.stdin.close()
        code, _, err = await client.rest()

    assert "the scheme must be https" in failed["error"]["message"]
    assert "result" in works
    assert (0, True) == (code, "a.toml:2: services.a.url: the scheme must be https" in err)
