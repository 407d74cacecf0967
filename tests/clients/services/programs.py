"""Servers that are programs of Debian, and files."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from authproxy.demo.cloudrun import App
from tests.support.behind import Forward, free_port, running

_REGISTRY = """\
version: 0.1
storage: {filesystem: {rootdirectory: FOLDER}}
http: {addr: "127.0.0.1:PORT"}
"""


@asynccontextmanager
async def webdav() -> AsyncIterator[App]:
    """rclone's own server of an empty folder."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = ("serve", "webdav", folder, "--addr", f"127.0.0.1:{port}", "--dir-cache-time=0s")
        async with running(port, *command, program="rclone"):
            yield Forward(port).handle


@asynccontextmanager
async def container_registry() -> AsyncIterator[App]:
    """Docker's own, which names itself in each `Location`."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        settings = _registry_settings(folder, port)
        async with running(port, "serve", settings, program="docker-registry"):
            yield Forward(port).handle


@asynccontextmanager
async def metrics() -> AsyncIterator[App]:
    """One metric, in Prometheus' own format."""

    async def handle(_: web.Request) -> web.Response:
        text = "# TYPE invoices_total counter\ninvoices_total 42\n"
        return web.Response(
            body=text.encode(), headers={"Content-Type": "text/plain; version=0.0.4"}
        )

    yield handle


def _registry_settings(folder: str, port: int) -> str:
    file = Path(folder, "settings.yml")
    file.write_text(_REGISTRY.replace("FOLDER", folder).replace("PORT", str(port)))
    return str(file)
