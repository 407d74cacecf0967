"""The way out through a proxy as Debian has it, tinyproxy, with its own idea of CONNECT."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from authproxy.demo.world import World
from tests.support.program import Program

CONFIG = """\
Port {port}
Listen 127.0.0.1
Timeout 60
BasicAuth me hunter2
ConnectPort {allowed}
LogFile "{log}"
"""


@asynccontextmanager
async def tinyproxy(folder: Path, *, allowed: int) -> AsyncIterator[int]:
    """Its port; it connects to the port `allowed` only."""
    program = shutil.which("tinyproxy")
    if program is None:
        pytest.fail("needs tinyproxy; .ci/run installs it")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = folder / "tinyproxy.conf"
    config.write_text(CONFIG.format(port=port, allowed=allowed, log=folder / "log"))
    process = await asyncio.create_subprocess_exec(
        program, "-d", "-c", str(config), stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await connectable(port)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def connectable(port: int) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return


@pytest.mark.outside
@pytest.mark.parametrize(
    ("user", "other_port", "expected"),
    [
        ("me:hunter%32@", 0, None),
        ("me:wrong@", 0, "does not accept the user name and password (401)."),
        ("", 0, "asks for a user name and a password (407)."),
        ("me:hunter%32@", 1, "refused to connect to {service} (403)."),
    ],
    ids=["right", "wrong password", "no password", "port not allowed"],
)
async def test_tinyproxy_is_a_way_out(
    world: World, tmp_path: Path, user: str, other_port: int, expected: str | None
) -> None:
    service_port = int(world.url.rpartition(":")[2])
    async with tinyproxy(tmp_path, allowed=other_port or service_port) as port:
        environ = {
            **world.environment,
            "WAY_OUT": f"http://{user}127.0.0.1:{port}",
            "AUTHPROXY_SERVICES_A_EGRESS_PROXY": "env:WAY_OUT",
        }
        async with (
            Program(
                f"a={world.url}",
                *("--ca-file", world.ca_file, "--credentials", "metadata", "-l", "127.0.0.1:0"),
                environ=environ,
            ) as program,
            aiohttp.ClientSession() as session,
            session.get(f"{program.url}/whoami") as answer,
        ):
            status, text = answer.status, await answer.text()

    if expected is None:
        assert 200 == status
    else:
        told = f"The egress proxy http://127.0.0.1:{port} {expected.format(service=world.url)}"
        assert (502, told) == (status, text.splitlines()[0])
