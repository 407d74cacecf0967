"""Chromium without a screen, driven over its DevTools protocol."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)


def find_chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Page:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def evaluate(self, script: str) -> Any:
        """The value of `script`, awaited if it is a promise."""
        parameters = {"expression": script, "awaitPromise": True, "returnByValue": True}
        await self._socket.send_json({"id": 1, "method": "Runtime.evaluate", "params": parameters})
        answer = json.loads((await self._socket.receive()).data)
        # The page may go while the script runs; there is an error then, and no value.
        return answer.get("result", {}).get("result", {}).get("value")

    async def wait_for(self, condition: str) -> None:
        """Wait until the JavaScript expression `condition` is true."""
        script = (
            "new Promise(done => { const look = () => "
            f"({condition}) ? done(true) : setTimeout(look, 50); look(); }})"
        )
        async with asyncio.timeout(30):
            while await self.evaluate(script) is not True:
                pass  # the page it ran in has gone, the next one is there


@asynccontextmanager
async def open_page(url: str, profile: Path, *flags: str) -> AsyncIterator[Page]:
    """A fresh Chromium, with further `flags`, with `url` open; `profile` is an empty folder."""
    chromium = find_chromium()
    assert chromium is not None
    process = await asyncio.create_subprocess_exec(
        *(chromium, *FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(20):
            while b"DevTools listening on ws://" not in (line := await process.stderr.readline()):
                assert line, "chromium ended before it listened"
        port = line.split(b"ws://")[1].split(b"/")[0].decode()
        async with (
            aiohttp.ClientSession() as session,
            session.put(f"http://{port}/json/new?{url}") as opened,
            session.ws_connect((await opened.json())["webSocketDebuggerUrl"]) as socket,
        ):
            yield Page(socket)
    finally:
        process.kill()
        while await process.stderr.read(65536):
            pass
        await process.wait()
