"""Tokens end to end: one mint for all who ask first, and an outage that nobody notices."""

import asyncio
import os
import signal
from pathlib import Path

from authproxy.demo.world import World
from tests.support.program import Program, is_running
from tests.support.talking import until

FIRST_REQUESTS = int(os.environ.get("AUTHPROXY_TEST_FIRST_REQUESTS", "2000"))


def in_front_of(world: World, *credentials: str | Path) -> Program:
    return Program(
        world.url,
        *("--ca-file", world.ca_file, "-l", "127.0.0.1:0", "--no-access-log"),
        *credentials,
        environ=world.environment,
    )


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /status/200 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return reader, writer


async def ask(port: int) -> bytes:
    reader, writer = await connect(port)
    status = await reader.readline()
    writer.close()
    return status


async def test_thousands_of_first_requests_cause_one_mint(world: World) -> None:
    world.google.metadata.delay_s = 1.0
    async with in_front_of(world, "--credentials", "metadata") as proxy:
        opened = [await connect(proxy.port) for _ in range(FIRST_REQUESTS)]
        async with asyncio.timeout(50):
            answers = {await reader.readline() for reader, _ in opened}
        for _, writer in opened:
            writer.close()

    assert answers == {b"HTTP/1.1 200 OK\r\n"}
    assert world.google.mints_of(world.url) == 1


async def test_each_identity_reaches_the_service(world: World, tmp_path: Path) -> None:
    robot, anna = "robot@authproxy-demo.iam.gserviceaccount.com", "anna@example.com"
    world.cloud_run.gate.invokers |= {robot, anna}
    token_file = tmp_path / "token"
    token_file.write_text(world.mint(email=robot))
    ways: dict[str, str] = {
        f"file:{world.service_account_file(robot)}": robot,
        f"file:{world.user_adc_file(anna)}": anna,
        f"token-file:{token_file}": robot,
        f"command:cat {token_file}": robot,
    }
    principals = {}
    for way in ways:
        async with in_front_of(world, "--credentials", way) as proxy:
            assert await ask(proxy.port) == b"HTTP/1.1 200 OK\r\n"
        principals[way] = world.cloud_run.seen[-1].principal

    assert principals == ways


async def test_outage_of_the_token_endpoint_goes_unnoticed_while_the_token_lives() -> None:
    async with (
        World(token_life_s=12) as world,
        in_front_of(world, "--credentials", "metadata") as proxy,
    ):
        assert await ask(proxy.port) == b"HTTP/1.1 200 OK\r\n"
        world.google.metadata.down()
        await proxy.hear("no new token for .*the last one is good until")
        during = await ask(proxy.port)
        world.google.metadata.up()
        async with asyncio.timeout(30):
            while world.google.mints_of(world.url) < 2:
                assert await ask(proxy.port) == b"HTTP/1.1 200 OK\r\n"

    assert during == b"HTTP/1.1 200 OK\r\n"


async def test_revoked_invoker_sees_the_front_ends_own_403(world: World) -> None:
    world.cloud_run.gate.invokers.clear()
    async with in_front_of(world, "--credentials", "metadata") as proxy:
        assert await ask(proxy.port) == b"HTTP/1.1 403 Forbidden\r\n"


async def test_rejected_token_is_replaced_once(world: World) -> None:
    async with in_front_of(world, "--credentials", "metadata") as proxy:
        assert await ask(proxy.port) == b"HTTP/1.1 200 OK\r\n"
        world.google.issuer.keys.revoke()
        assert await ask(proxy.port) == b"HTTP/1.1 200 OK\r\n"

    assert world.google.mints_of(world.url) == 2


async def test_a_command_that_still_runs_ends_with_authproxy(world: World, tmp_path: Path) -> None:
    script, noted = tmp_path / "token.sh", tmp_path / "pid"
    script.write_text(f"#!/bin/sh\necho $$ > {noted}.new\nmv {noted}.new {noted}\nsleep 600\n")
    script.chmod(0o755)
    async with in_front_of(world, "--credentials", f"command:{script}") as proxy:
        await until(lambda: noted.exists())
        proxy.signal(signal.SIGTERM)
        assert 143 == await proxy.wait()

    pid = int(noted.read_text())
    await until(lambda: not is_running(pid))
