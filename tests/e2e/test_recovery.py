"""Credentials that are missing or broken at the start, and mended while authproxy runs."""

import asyncio
import time
from email.utils import formatdate
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from authproxy.demo.world import World
from tests.e2e.test_tokens import ask
from tests.support.program import Program

ROBOT = "robot@authproxy-demo.iam.gserviceaccount.com"


async def whole_answer(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


def in_front_of(world: World, *more: str, **environ: str) -> Program:
    return Program(
        world.url,
        *("--ca-file", str(world.ca_file), "-l", "127.0.0.1:0", "--no-access-log"),
        *more,
        environ={**world.environment, **environ},
    )


async def test_a_login_while_it_runs_is_noticed_without_a_request(
    world: World, tmp_path: Path
) -> None:
    world.cloud_run.gate.invokers.add(ROBOT)
    nowhere = {"GCE_METADATA_HOST": "127.0.0.1:9", "PATH": str(tmp_path)}
    async with in_front_of(world, CLOUDSDK_CONFIG=str(tmp_path), **nowhere) as proxy:
        answer = await whole_answer(proxy.port)
        written = tmp_path / "application_default_credentials.json"
        written.write_text(world.service_account_file(ROBOT).read_text())
        await proxy.hear(f"token for {world.url} as {ROBOT} from file:")
        assert await ask(proxy.port) == b"HTTP/1.1 200 OK\r\n"

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: " in answer
    assert b"Run: gcloud auth application-default login" in answer


@pytest.mark.parametrize("place", ["key.json", "mounted/late/key.json"])
async def test_a_key_file_that_comes_late_is_waited_for(
    place: str, world: World, tmp_path: Path
) -> None:
    world.cloud_run.gate.invokers.add(ROBOT)
    path = tmp_path / place
    async with in_front_of(world, "--credentials", f"file:{path}") as proxy:
        answer = await whole_answer(proxy.port)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(world.service_account_file(ROBOT).read_text())
        await proxy.hear(f"token for {world.url} as {ROBOT} from file:")
        assert await ask(proxy.port) == b"HTTP/1.1 200 OK\r\n"

    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"file:%b: there is no such file" % str(path).encode() in answer


async def test_a_broken_key_file_is_read_again_when_it_was_mended(
    world: World, tmp_path: Path
) -> None:
    world.cloud_run.gate.invokers.add(ROBOT)
    path = tmp_path / "key.json"
    path.write_text("{")
    async with in_front_of(world, "--credentials", f"file:{path}") as proxy:
        assert await ask(proxy.port) == b"HTTP/1.1 503 Service Unavailable\r\n"
        path.write_text(world.service_account_file(ROBOT).read_text())
        await proxy.hear("token for .* available again")
        assert await ask(proxy.port) == b"HTTP/1.1 200 OK\r\n"


async def test_a_metadata_server_that_comes_late_is_found_without_a_request(world: World) -> None:
    world.google.metadata.down()
    async with in_front_of(world, "--credentials", "metadata") as proxy:
        await proxy.hear("no identity token for .* since .*, so requests get 503 .next try in")
        world.google.metadata.up()
        await proxy.hear("token for .* available again")
        assert await ask(proxy.port) == b"HTTP/1.1 200 OK\r\n"


async def an_hour_late(world: World) -> TestServer:
    """The world's metadata server, as a machine sees it whose clock is an hour ahead."""

    async def handle(request: web.Request) -> web.Response:
        url = f"http://127.0.0.1:{world.google.port}{request.path_qs}"
        headers = {"Metadata-Flavor": "Google"}
        async with ClientSession() as session, session.get(url, headers=headers) as answer:
            date = formatdate(time.time() - 3600, usegmt=True)
            return web.Response(
                status=answer.status,
                body=await answer.read(),
                content_type=answer.content_type,
                headers={**headers, "Date": date},
            )

    application = web.Application()
    application.router.add_get("/{path:.*}", handle)
    server = TestServer(application)
    await server.start_server()
    return server


async def test_a_clock_that_is_wrong_is_told_once_and_tokens_come_all_the_same(
    world: World,
) -> None:
    server = await an_hour_late(world)
    metadata = {"GCE_METADATA_HOST": f"127.0.0.1:{server.port}"}
    async with in_front_of(world, "--credentials", "metadata", **metadata) as proxy:
        await proxy.hear("this machine's clock is (59 min|60 min|1 h).* ahead of Google's")
        assert await ask(proxy.port) == b"HTTP/1.1 200 OK\r\n"
        warnings = proxy.stderr.count("this machine's clock")
    await server.close()

    assert warnings == 1
