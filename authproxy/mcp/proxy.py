"""authproxy itself in this process, for one service, behind a Unix socket that is the bridge's own.

It starts when it is first needed. If it cannot, whoever asks hears why, and it is tried again with
the next request: what was wrong may have been put right.
"""

import asyncio
import contextlib
import logging
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import aiohttp

from authproxy.errors import ConfigError, StartError
from authproxy.identity.machine import Machine
from authproxy.mcp.channel import Address, Channel, Http, open_client
from authproxy.mcp.failures import by_configuration
from authproxy.mcp.oldsse import OldSse
from authproxy.mcp.streamable import Streamable
from authproxy.own_use import build_proxy, for_one_client
from authproxy.runtime.process.log_output import open_log
from authproxy.runtime.process.observers import make_observers
from authproxy.runtime.process.tracing import open_tracing
from authproxy.runtime.proxy import Proxy
from authproxy.settings import LogSettings, Settings
from authproxy.system import offers
from authproxy.values import Listen

logger = logging.getLogger(__name__)

DEFAULT_PATH = "/mcp"
"""Where the SDKs serve, unless told otherwise."""

Load = Callable[[], tuple[Settings, str]]
"""The settings, and which of their services has the MCP server. Raises ConfigError."""


def split_url(word: str) -> tuple[str, str]:
    """A service's address, and the path in it with its query; both as they were written."""
    before, _, _ = word.partition("://")
    name, separator, url = word.partition("=") if "=" in before else ("", "", word)
    scheme, found, rest = url.partition("://")
    if not found:
        return word, ""
    end = min((rest.index(mark) for mark in "/?#" if mark in rest), default=len(rest))
    return f"{name}{separator}{scheme}://{rest[:end]}", rest[end:].partition("#")[0]


class OwnProxy:
    """Starts it, and ends it."""

    def __init__(self, load: Load, path: str, machine: Machine) -> None:
        """`path`: the MCP server's, as it was asked for; empty: the service's, or the usual."""
        self._load = load
        self._path = path
        self._machine = machine
        self._stack = contextlib.AsyncExitStack()
        self._starting = asyncio.Lock()
        self._channels: tuple[Streamable, OldSse] | None = None
        self._proxy: Proxy | None = None

    async def connect(self) -> Channel:
        """By Streamable HTTP. Raises Failed."""
        return (await self._started())[0]

    async def connect_older(self) -> Channel:
        """By HTTP+SSE. Raises Failed."""
        return (await self._started())[1]

    async def close(self) -> None:
        """Wait for nothing: who asked has gone."""
        if self._proxy is not None:
            self._proxy.cut()
        await self._stack.aclose()

    async def _started(self) -> tuple[Streamable, OldSse]:
        async with self._starting:
            if self._channels is None:
                try:
                    self._channels = await self._start()
                except (ConfigError, StartError) as error:
                    raise by_configuration(error) from None
            return self._channels

    async def _start(self) -> tuple[Streamable, OldSse]:
        given, name = self._load()
        if offers.UNIX is None:
            raise StartError(
                f"`authproxy mcp` cannot run here: {offers.NO_UNIX_SOCKETS}, and a port would be"
                " open to every user of this machine",
                hint="Run `authproxy URL` and give the client its URL, as docs/mcp.md says.",
            )
        async with contextlib.AsyncExitStack() as stack:
            folder = Path(tempfile.mkdtemp(prefix="authproxy-"))  # nobody else may look into it
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            socket_path = folder / "s"
            address = find_address(given, name, self._path)
            settings = only(given, name, socket_path)
            log = open_log(settings)
            tracing = open_tracing(settings, self._machine.environ)
            stack.callback(tracing.flush)
            observers = make_observers(settings, log, tracing)
            proxy = build_proxy(settings, observers, self._machine)
            await stack.enter_async_context(proxy)
            client: aiohttp.ClientSession = open_client(str(socket_path))
            stack.push_async_callback(client.close)
            self._proxy, self._stack = proxy, stack.pop_all()
        log.stderr.write(f"authproxy: stdio -> {address.shown}\n")
        log.stderr.flush()
        http = Http(client, address)
        return Streamable(http), OldSse(http)

    def __repr__(self) -> str:
        return f"<OwnProxy [{'started' if self._channels else 'not started'}]>"


def find_address(settings: Settings, name: str, path: str) -> Address:
    """The MCP server of the service with that name."""
    service = settings.services[name]
    target = path or service.url.path or DEFAULT_PATH
    target = target if target.startswith("/") else f"/{target}"
    where = service.address if service.is_nowhere else service.url.root
    return Address(shown=f"{where}{target.partition('?')[0]}", target=target)


def only(settings: Settings, name: str, socket_path: Path) -> Settings:
    """The settings for one service, and for one client: this process."""
    service = settings.services[name]
    own = {
        "url": replace(service.url, path=""),
        "path": None,
        "strip_path": False,
        "mcp": False,  # the bridge says it itself, and acts on statuses
        "hosts": (),
    }
    there = for_one_client(
        settings,
        {name: service.model_copy(update=own)},
        listen=(Listen(path=socket_path),),
    )
    return there.model_copy(update={"log": _for_people(settings.log)})


def _for_people(log: LogSettings) -> LogSettings:
    """Clients show them what comes by stderr: text, and no line for each exchange, unless asked."""
    is_asked = log.access and "access" in log.model_fields_set
    as_text = {"format": "text"} if log.format == "auto" else {}
    return log.model_copy(update={"access": is_asked, **as_text})
