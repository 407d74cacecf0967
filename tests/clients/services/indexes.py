"""Private indexes of packages."""

import base64
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from authproxy.demo.cloudrun import App
from tests.clients.running import PLACE
from tests.support.behind import Forward, free_port, running


@asynccontextmanager
async def python_index() -> AsyncIterator[App]:
    """pypiserver, empty; whoever Cloud Run lets in may upload."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        here = ("-i", "127.0.0.1", "-p", str(port), "--disable-fallback")
        everybody = ("-P", ".", "-a", ".")
        command = ("-m", "pypiserver", "run", *here, *everybody, folder)
        async with running(port, *command, program=str(PLACE / "bin" / "python")):
            yield Forward(port).handle


@asynccontextmanager
async def npm_registry() -> AsyncIterator[App]:
    """A small one. Like all others it names each file by its whole address."""
    yield NpmRegistry().handle


class NpmRegistry:
    def __init__(self) -> None:
        self._packages: dict[str, dict[str, Any]] = {}
        self._files: dict[str, bytes] = {}

    async def handle(self, request: web.Request) -> web.Response:
        name, _, file = request.path.removeprefix("/").partition("/-/")
        if request.method == "PUT":
            self._publish(name, await request.json(), f"https://{request.host}")
            return web.json_response({"ok": True}, status=201)
        if file in self._files:
            return web.Response(body=self._files[file])
        if not file and name in self._packages:
            return web.json_response(self._packages[name])
        return web.json_response({"error": "not found"}, status=404)

    def _publish(self, name: str, package: dict[str, Any], address: str) -> None:
        for file, content in package.pop("_attachments").items():
            self._files[file] = base64.b64decode(content["data"])
        for version in package["versions"].values():
            file = version["dist"]["tarball"].rpartition("/")[2]
            version["dist"]["tarball"] = f"{address}/{name}/-/{file}"
        self._packages[name] = package
