"""The pretend Cloud Run with a real MCP server behind it, and everything that can go wrong."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from authproxy.demo.loopback import reset
from authproxy.demo.world import World
from tests.support.program import clean_environment

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}
HELD_S = 1.5
"""For a second all who ask hear of the failure that came last: identity.token_cache."""
SIGN_IN = "https://accounts.google.com/o/oauth2/v2/auth?client_id=demo"


@dataclass(eq=False)
class Stage:
    """One service and its server."""

    world: World
    server: list[str]
    port: int
    path: str
    client: aiohttp.ClientSession
    trouble: str = ""
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        return self.world.url

    @property
    def environ(self) -> Mapping[str, str]:
        """Of authproxy: this world is Google."""
        return clean_environment(self.world.environment)

    @property
    def environ_of_clients(self) -> Mapping[str, str]:
        """They have nothing to do with Google. Some keep what they learn in their home."""
        return {**clean_environment(None), "HOME": str(self.world.directory)}

    @property
    def flags(self) -> list[str]:
        return ["--credentials", "metadata", "--ca-file", str(self.world.ca_file)]

    @property
    def bridge(self) -> list[str]:
        """The command that an MCP client starts."""
        variables = [f"{name}={value}" for name, value in self.environ.items()]
        program = [sys.executable, "-m", "authproxy", "mcp"]
        return ["env", *variables, *program, f"{self.url}{self.path}", *self.flags]

    async def start_server(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *self.server,
            env=clean_environment(None),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        async with asyncio.timeout(60):
            while not _answers(self.port):
                assert self.process.returncode is None, self.server
                await asyncio.sleep(0.05)

    async def stop_server(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def restart_server(self) -> None:
        await self.stop_server()
        await self.start_server()

    async def front(self, request: web.Request) -> web.StreamResponse:
        """What Cloud Run's front end lets through."""
        if self.trouble == "sign-in" and request.method == "POST":
            return web.Response(status=302, headers={"Location": SIGN_IN})
        body = await request.read()
        headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP}
        url = f"http://127.0.0.1:{self.port}{request.raw_path}"
        try:
            async with self.client.request(
                request.method, url, headers=headers, data=body, allow_redirects=False
            ) as came:
                kept = {k: v for k, v in came.headers.items() if k.lower() not in HOP_BY_HOP}
                response = web.StreamResponse(status=came.status, headers=kept)
                if self.trouble == "dies" and b"tools/call" in body:
                    return await _die(request)
                await response.prepare(request)
                async for data in came.content.iter_any():
                    await response.write(data)
        except aiohttp.ClientError:
            return _cut(request)
        return response


async def _die(request: web.Request) -> web.StreamResponse:
    """A stream that ends between two events, without its answer."""
    stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await stream.prepare(request)
    await stream.write(b": one\n\n")
    await asyncio.sleep(0.1)
    return stream


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        reset(request.transport)
    return web.Response(status=502)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def staging(command: Callable[[int], list[str]], path: str = "/mcp") -> AsyncIterator[Stage]:
    """`command` starts the server at a port."""
    port = free_port()

    async def front(request: web.Request) -> web.StreamResponse:
        return await stage.front(request)

    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    timeout = aiohttp.ClientTimeout(total=None)
    async with (
        World(token_life_s=600, app=front) as world,
        aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False
        ) as client,
    ):
        stage = Stage(world, command(port), port, path, client)
        try:
            await stage.start_server()
            yield stage
        finally:
            await stage.stop_server()


Deed = Callable[[Stage], Awaitable[None]]


async def nothing(_stage: Stage) -> None:
    """All is well."""


async def no_token(stage: Stage) -> None:
    """The token that authproxy has is turned down, and there is no other."""
    stage.world.google.metadata.fail_with(503)
    stage.world.cloud_run.gate.urls.clear()


async def not_believed(stage: Stage) -> None:
    stage.world.cloud_run.gate.urls.clear()


async def no_invoker(stage: Stage) -> None:
    stage.world.cloud_run.gate.invokers.clear()


async def sign_in(stage: Stage) -> None:
    stage.trouble = "sign-in"


async def die(stage: Stage) -> None:
    stage.trouble = "dies"


async def down(stage: Stage) -> None:
    await stage.world.cloud_run.stop()


async def up(stage: Stage) -> None:
    await stage.world.cloud_run.start()


async def restart(stage: Stage) -> None:
    await stage.restart_server()


async def mend_tokens(stage: Stage) -> None:
    await mend(stage)
    await asyncio.sleep(HELD_S)


async def mend(stage: Stage) -> None:
    from authproxy.demo.accounts import METADATA_EMAIL

    stage.trouble = ""
    stage.world.google.metadata.up()
    service = stage.world.cloud_run
    service.gate.urls |= {f"https://{host}" for host in service.hosts}
    service.gate.invokers.add(METADATA_EMAIL)
