"""Firefox by Marionette, which reaches the browser's own parts: its developer tools, for one."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.behind import free_port
from tests.support.browser import process, until_listening, write_settings
from tests.support.program import clean_environment


class Marionette:
    """One session, in the context of the browser itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._last = 0

    async def begin(self) -> None:
        await self._read()
        await self._ask("WebDriver:NewSession", {})
        await self._ask("Marionette:SetContext", {"value": "chrome"})

    async def run(self, script: str, *arguments: object) -> Any:
        """What `script`, the body of a function, returns."""
        given = {"script": script, "args": arguments, "newSandbox": True}
        answer = await self._ask("WebDriver:ExecuteScript", given)
        return answer["value"]

    async def _ask(self, name: str, parameters: object) -> Any:
        self._last += 1
        text = json.dumps([0, self._last, name, parameters]).encode()
        self._writer.write(b"%d:%b" % (len(text), text))
        _, number, error, result = await self._read()
        assert (self._last, None) == (number, error), error
        return result

    async def _read(self) -> Any:
        size = (await self._reader.readuntil(b":"))[:-1]
        return json.loads(await self._reader.readexactly(int(size)))


@asynccontextmanager
async def open_marionette(profile: Path) -> AsyncIterator[Marionette]:
    """A fresh Firefox; `profile` is an empty folder, or none yet."""
    port = free_port()
    write_settings(profile, {"marionette.port": port})
    command = ("firefox-esr", "--headless", "--no-remote", "--marionette", "--profile", profile)
    environ = {**clean_environment(), "HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"}
    async with process(*command, "--remote-allow-system-access", environ=environ):
        await until_listening(port)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**24)
        firefox = Marionette(reader, writer)
        await firefox.begin()
        yield firefox
        writer.close()
