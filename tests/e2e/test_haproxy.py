"""Debian's HAProxy in front, which names its clients by the PROXY protocol."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e.test_egress import connectable
from tests.support.behind import free_port
from tests.support.program import Program, clean_environment
from tests.support.raw import OK, always, raw_service

CONFIG = """\
global
  stats socket {folder}/stats mode 600 level admin
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
frontend all
  bind 127.0.0.1:{port}
  bind unix@{folder}/socket
  default_backend authproxy
backend authproxy
  option httpchk GET /healthz
  server a 127.0.0.1:{authproxy} {version} check inter 100ms
"""


def find_haproxy() -> str:
    program = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        pytest.fail("needs haproxy; .ci/run installs it")
    return program


def config_for(folder: Path, authproxy: int, version: str) -> str:
    return CONFIG.format(folder=folder, port="{port}", authproxy=authproxy, version=version)


@asynccontextmanager
async def haproxy(folder: Path, *, text: str, server: str = "a") -> AsyncIterator[int]:
    """Its port, when its health check has found authproxy, which it knows as `server`."""
    port, config = free_port(), folder / "haproxy.cfg"
    config.write_text(text.replace("{port}", str(port)))
    process = await asyncio.create_subprocess_exec(
        find_haproxy(), "-db", "-f", config, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await connectable(port)
        async with asyncio.timeout(20):
            while "L7OK" not in await check_status(folder, server):  # noqa: ASYNC110 -- no event tells
                await asyncio.sleep(0.05)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def check_status(folder: Path, server: str) -> str:
    """What it thinks of authproxy."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(folder / "stats"))
    except FileNotFoundError:
        return ""  # it is made after the port listens
    writer.write(b"show stat\n")
    text = (await reader.read(-1)).decode()
    writer.close()
    return next(line for line in text.splitlines() if line.startswith(f"authproxy,{server},"))


async def status_of(*arguments: str) -> str:
    curl = await asyncio.create_subprocess_exec(
        *("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "10", *arguments),
        stdout=asyncio.subprocess.PIPE,
    )
    return (await curl.communicate())[0].decode()


@pytest.mark.outside
@pytest.mark.parametrize(
    ("version", "by_socket"), [("send-proxy-v2", "403"), ("send-proxy", "502")]
)
async def test_haproxy_says_who_its_clients_are(
    tmp_path: Path, version: str, by_socket: str
) -> None:
    async with raw_service(always(OK)) as service:
        file = tmp_path / "authproxy.toml"
        file.write_text(
            'trusted_proxies = ["127.0.0.1"]\n[listeners.a]\nlisten = "127.0.0.1:0"\n'
            f'proxy_protocol = true\n[services.a]\nurl = "{service.url}"\ncredentials = "none"\n'
        )
        async with (
            Program("-c", file) as program,
            haproxy(tmp_path, text=config_for(tmp_path, program.port, version)) as port,
        ):
            tcp = await status_of(f"http://localhost:{port}/by-tcp")
            unix = await status_of(
                "--unix-socket", f"{tmp_path}/socket", "http://localhost/by-unix"
            )

    assert ("200", by_socket) == (tcp, unix)
    assert [b"/by-tcp"] == [head.split()[1] for head in service.heads]


DEPLOY = Path(__file__).parent.parent.parent / "deploy" / "haproxy"


@pytest.mark.outside
async def test_the_files_of_deploy_pass_their_own_checks() -> None:
    for command in (
        (find_haproxy(), "-c", "-f", DEPLOY / "haproxy.cfg"),
        (sys.executable, "-m", "authproxy", "check", "-c", DEPLOY / "authproxy.toml"),
    ):
        process = await asyncio.create_subprocess_exec(
            *command,
            env=clean_environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert 0 == process.returncode, output.decode()
        assert b"warning" not in output.lower().replace(b"warnings have been found", b"")


@pytest.mark.outside
async def test_a_request_goes_by_the_files_of_deploy(tmp_path: Path) -> None:
    config = (DEPLOY / "haproxy.cfg").read_text()
    settings = (DEPLOY / "authproxy.toml").read_text()
    async with raw_service(always(OK)) as service:
        file = tmp_path / "authproxy.toml"
        file.write_text(
            settings.replace(
                'url = "https://billing-abc.a.run.app"',
                f'url = "{service.url}"\ncredentials = "none"',
            ).replace("127.0.0.1:8080", "127.0.0.1:0")
        )
        async with Program("-c", file) as program:
            stats = f"  stats socket {tmp_path}/stats mode 600 level admin\n"
            text = config.replace("  maxconn 4096\n", f"  maxconn 4096\n{stats}")
            text = text.replace("bind :80", "bind 127.0.0.1:{port}").replace(
                "inter 2s", "inter 100ms"
            )
            text = text.replace("127.0.0.1:8080", f"127.0.0.1:{program.port}")
            async with haproxy(tmp_path, text=text, server="one") as port:
                named = await status_of("-H", "Host: billing.example.com", f"localhost:{port}/x")
                other = await status_of("-H", "Host: evil.example", f"localhost:{port}/x")

    assert ("200", "421") == (named, other)
    assert [b"/x"] == [head.split()[1] for head in service.heads]
