"""Real browsers without a screen: Chromium, Firefox, and WebKit, which Safari is made of.

Each by the protocol that it brings along, so that nothing but the browser is needed: Chromium's
DevTools, Firefox's WebDriver BiDi, and WebDriver for WebKit, whose driver Debian has.
"""

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import aiohttp

from tests.support.behind import free_port
from tests.support.program import clean_environment

CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP rebound.example 127.0.0.1",
)
FIREFOX_SETTINGS = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.localDomains": "rebound.example",
    "services.settings.server": "data:,",
    "toolkit.telemetry.server": "",
}
ANSWER_S = 5
INSECURE = {"acceptInsecureCerts": True}


def find_chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Tab(Protocol):
    """What each browser can do in its own way."""

    async def run(self, script: str) -> Any:
        """The value of `script`, awaited if it is a promise; None if the page went meanwhile."""

    async def go(self, url: str) -> None:
        """Open `url` as if it had been typed."""

    async def resize(self, width: int, height: int) -> None:
        """Let the page believe that its window is as large as this, in CSS pixels."""


class Page:
    """One tab."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self.go = tab.go
        self.resize = tab.resize

    async def evaluate(self, script: str) -> Any:
        """The value of `script`, awaited if it is a promise; None if the page went meanwhile."""
        return await self._tab.run(script)

    async def wait_for(self, condition: str) -> None:
        """Wait until the JavaScript expression `condition` is true."""
        async with asyncio.timeout(30):
            for _ in count():
                if await self.evaluate(f"Boolean({condition})") is True:
                    return
                await asyncio.sleep(0.05)


@asynccontextmanager
async def process(
    *command: str | Path, says: bytes = b"", environ: Mapping[str, str] | None = None
) -> AsyncIterator[bytes]:
    """A program with its children, until left; gives the line on stderr that has `says` in it."""
    started = await asyncio.create_subprocess_exec(
        *command,
        env=environ,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert started.stderr is not None
    line = b""
    try:
        async with asyncio.timeout(30):
            while says and says not in line:
                line = await started.stderr.readline()
                assert line, f"{command[0]} ended before it listened"
        yield line
    finally:
        os.killpg(started.pid, signal.SIGKILL)
        while await started.stderr.read(65536):
            pass
        await started.wait()


class _Chromium:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last = 0

    async def run(self, script: str) -> Any:
        parameters = {"expression": script, "awaitPromise": True, "returnByValue": True}
        answer = await self._ask("Runtime.evaluate", parameters)
        return answer.get("result", {}).get("result", {}).get("value")

    async def go(self, url: str) -> None:
        await self._ask("Page.navigate", {"url": url, "transitionType": "typed"})

    async def resize(self, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self._ask("Emulation.setDeviceMetricsOverride", size)

    async def _ask(self, method: str, params: object) -> dict[str, Any]:
        self._last += 1
        return await _ask(self._socket, self._last, method, params)


async def _ask(
    socket: aiohttp.ClientWebSocketResponse, number: int, method: str, params: object
) -> dict[str, Any]:
    """The answer that has the question's number; events come in between.

    Nothing when there is none: the page may have gone before it could.
    """
    await socket.send_json({"id": number, "method": method, "params": params})
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            while True:
                answer: dict[str, Any] = json.loads((await socket.receive()).data)
                if answer.get("id") == number:
                    return answer
    return {}


@asynccontextmanager
async def open_page(url: str, profile: Path, *flags: str) -> AsyncIterator[Page]:
    """A fresh Chromium, with further `flags`, with `url` open; `profile` is an empty folder."""
    chromium = find_chromium()
    assert chromium is not None
    command = (chromium, *CHROMIUM_FLAGS, *flags, f"--user-data-dir={profile}", "about:blank")
    async with process(*command, says=b"DevTools listening on ws://") as line:
        port = line.split(b"ws://")[1].split(b"/")[0].decode()
        async with (
            aiohttp.ClientSession() as session,
            session.put(f"http://{port}/json/new?{url}") as opened,
            session.ws_connect((await opened.json())["webSocketDebuggerUrl"]) as socket,
        ):
            yield Page(_Chromium(socket))


class _Firefox:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._context = ""
        self._last = 0

    async def begin(self) -> None:
        await self._ask("session.new", {"capabilities": {"alwaysMatch": INSECURE}})
        tree = await self._ask("browsingContext.getTree", {})
        self._context = tree["result"]["contexts"][0]["context"]

    async def run(self, script: str) -> Any:
        target = {"context": self._context}
        as_text = f"Promise.resolve({script}).then(value => JSON.stringify(value))"
        parameters = {"expression": as_text, "target": target, "awaitPromise": True}
        answer = await self._ask("script.evaluate", {**parameters, "userActivation": True})
        value = answer.get("result", {}).get("result", {}).get("value")
        return None if value is None else json.loads(value)

    async def go(self, url: str) -> None:
        parameters = {"context": self._context, "url": url, "wait": "none"}
        await self._ask("browsingContext.navigate", parameters)

    async def resize(self, width: int, height: int) -> None:
        parameters = {"context": self._context, "viewport": {"width": width, "height": height}}
        await self._ask("browsingContext.setViewport", parameters)

    async def _ask(self, method: str, params: object) -> dict[str, Any]:
        self._last += 1
        return await _ask(self._socket, self._last, method, params)


@asynccontextmanager
async def open_firefox(url: str, profile: Path) -> AsyncIterator[Page]:
    """A fresh Firefox with `url` open; `profile` is an empty folder, or none yet."""
    write_settings(profile)
    command = ("firefox-esr", "--headless", "--no-remote", "--remote-debugging-port=0")
    environ = {**clean_environment(), "HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"}
    listens = b"WebDriver BiDi listening on ws://"
    async with process(
        *command, "--profile", profile, "about:blank", says=listens, environ=environ
    ) as line:
        address = line.split(b"ws://")[1].strip().decode()
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"ws://{address}/session") as socket,
        ):
            firefox = _Firefox(socket)
            await firefox.begin()
            await firefox.go(url)
            yield Page(firefox)


def write_settings(profile: Path, more: Mapping[str, object] | None = None) -> None:
    """Make a profile that asks nobody anything."""
    profile.mkdir(exist_ok=True)
    settings = {**FIREFOX_SETTINGS, **(more or {})}
    lines = (f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in settings.items())
    (profile / "user.js").write_text("\n".join(lines))


class _WebKit:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def begin(self, browser: str) -> None:
        options = {"binary": browser, "args": ["--automation"]}
        wanted = {**INSECURE, "webkitgtk:browserOptions": options, "pageLoadStrategy": "none"}
        made = await self._ask("session", {"capabilities": {"alwaysMatch": wanted}})
        self._url += f"/session/{made['sessionId']}"

    async def run(self, script: str) -> Any:
        as_text = (
            f"const done = arguments[0]; Promise.resolve({script})"
            ".then(value => done(JSON.stringify(value)))"
        )
        value = await self._ask("execute/async", {"script": as_text, "args": []})
        return json.loads(value) if isinstance(value, str) else None

    async def go(self, url: str) -> None:
        await self._ask("url", {"url": url})

    async def resize(self, width: int, height: int) -> None:
        await self._ask("window/rect", {"width": width, "height": height})

    async def _ask(self, what: str, body: object) -> Any:
        first = "" if what == "session" else "/"
        url = f"{self._url}/{what}" if first else f"{self._url}/session"
        async with self._session.post(url, json=body) as answer:
            return (await answer.json())["value"]


def _find_mini_browser() -> str:
    """It is no command: Debian has it among the files of webkit2gtk-driver's libraries."""
    [found] = Path("/").glob("usr/lib/*/webkit2gtk-4.1/MiniBrowser")
    return str(found)


@asynccontextmanager
async def screen() -> AsyncIterator[str]:
    """An X server that shows nothing; its DISPLAY."""
    reading, writing = os.pipe()
    try:
        started = await asyncio.create_subprocess_exec(
            *(
                "Xvfb",
                "-displayfd",
                str(writing),
                "-screen",
                "0",
                "1024x768x24",
                "-nolisten",
                "tcp",
            ),
            pass_fds=[writing],
            stderr=asyncio.subprocess.DEVNULL,
        )
    finally:
        os.close(writing)
    try:
        with os.fdopen(reading, "rb") as said:
            number = await asyncio.to_thread(said.readline)
        yield f":{number.decode().strip()}"
    finally:
        started.kill()
        await started.wait()


@asynccontextmanager
async def open_webkit(url: str, profile: Path) -> AsyncIterator[Page]:
    """A fresh WebKit with `url` open; `profile` is its folder, which it makes."""
    browser = _find_mini_browser()
    port = free_port()
    async with (
        screen() as display,
        process(
            *("WebKitWebDriver", f"--port={port}", "--host=127.0.0.1"),
            environ={
                **clean_environment(),
                "HOME": str(profile),
                "DISPLAY": display,
                "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
                "LIBGL_ALWAYS_SOFTWARE": "1",
            },
        ),
        aiohttp.ClientSession() as session,
    ):
        await until_listening(port)
        webkit = _WebKit(session, f"http://127.0.0.1:{port}")
        await webkit.begin(browser)
        await webkit.go(url)
        yield Page(webkit)


async def until_listening(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


Engine = Callable[[str, Path], AbstractAsyncContextManager[Page]]
ENGINES: dict[str, Engine] = {
    "Chromium": open_page,
    "Firefox": open_firefox,
    "WebKit": open_webkit,
}
