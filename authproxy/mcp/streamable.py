"""Streamable HTTP, the transport of MCP since 2025-03-26: each message is a POST of its own.

The answer is one message, or a stream of events with the answer as its last. A stream that breaks
off is taken up again where it was, if the server gives its events ids. What the server says by
itself comes by a GET that stays open, for protocols that have sessions.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urljoin, urlsplit

import aiohttp

from authproxy.errors import Code
from authproxy.mcp.channel import ORIGIN, UNREACHED, Deliver, Fields, Http, broken_off
from authproxy.mcp.events import EventReader
from authproxy.mcp.failures import (
    ERROR,
    HINT,
    Failed,
    SessionLost,
    explain,
    lost_answer,
    not_mcp,
)
from authproxy.mcp.messages import INITIALIZE, Message, read_message

ACCEPT = "application/json, text/event-stream"
SESSION = "Mcp-Session-Id"
MAX_PAGE = 64 * 1024
"""Of an answer that is an error."""
REPLAYED = 64 * 1024
"""What authproxy itself sends again with another token; larger ones are sent again from here."""
MAX_REDIRECTS = 3
AFTERWARDS_S = 1.0
"""How long a stream may go on after its answer."""
PAUSE_S = 1.0
MAX_PAUSE_S = 30.0
RESUMING_S = 60.0
"""How long to try to come back to a stream that broke off."""


class Streamable:
    """With one server."""

    def __init__(self, http: Http, *, pause_s: float = PAUSE_S) -> None:
        self._http = http
        self._target = http.address.target
        self._pause_s = pause_s
        self._session_id: str | None = None
        self._has_sessions = False
        """There was one: what is asked for one that is not there is to begin another."""

    async def exchange(self, message: Message, fields: Fields, deliver: Deliver) -> None:
        """As Channel has it."""
        waiting = set(message.awaited)
        reader = EventReader()
        try:
            async with self._post(message, fields) as response:
                if message.method == INITIALIZE:
                    self._session_id = response.headers.get(SESSION)
                    self._has_sessions |= self._session_id is not None
                await self._take(response, reader, waiting, deliver)
        except UNREACHED:
            pass  # what can be taken up again is, below
        if waiting:
            await self._resume(reader, fields, waiting, deliver)

    async def listen(self, deliver: Deliver) -> None:
        """As Channel has it. Without a session there is nothing to listen for."""
        last_id: str | None = None
        pause_s = self._pause_s
        while self._session_id is not None:
            reader = EventReader()
            reader.last_id = last_id
            with contextlib.suppress(*UNREACHED):
                async with self._get(reader, {}) as response:
                    if response.status == 200:
                        pause_s = self._pause_s
                        await _read_events(response, reader, deliver)
                    elif not await self._may_listen_later(response):
                        return
            last_id = reader.last_id
            await asyncio.sleep(pause_s if reader.retry_s is None else reader.retry_s)
            pause_s = min(2 * pause_s, MAX_PAUSE_S)

    async def end(self) -> None:
        """As Channel has it."""
        if self._session_id is not None:
            with contextlib.suppress(*UNREACHED):
                fields = {SESSION: self._session_id}
                async with self._http.request("DELETE", self._target, fields):
                    self._session_id = None

    @contextlib.asynccontextmanager
    async def _post(
        self, message: Message, fields: Fields
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer to `message`, if it is one. Raises Failed, and as Http."""
        in_session = self._has_sessions and message.method != INITIALIZE
        sent = {"Accept": ACCEPT, "Content-Type": "application/json", **fields}
        if in_session and self._session_id is not None:
            sent[SESSION] = self._session_id
        for has_tried in range(MAX_REDIRECTS):
            async with self._http.request("POST", self._target, sent, message.raw) as response:
                if response.status < 300 and ERROR not in response.headers:
                    yield response
                    return
                if self._follow(response) or (not has_tried and _is_stale(response, message)):
                    continue
                body = await response.content.read(MAX_PAGE)
                raise self._explain(response, body, in_session=in_session)
        raise Failed(f"{self._http.address.shown} leads from one address to the next")

    async def _take(
        self,
        response: aiohttp.ClientResponse,
        reader: EventReader,
        waiting: set[str],
        deliver: Deliver,
    ) -> None:
        """What a good answer has. Leaves in `waiting` what it does not have."""
        kind = response.content_type if response.headers.get("Content-Type") else ""
        if kind == "text/event-stream":
            await _read_events(response, reader, deliver, waiting)
            return
        body = await response.read()
        if not waiting:
            return
        try:
            message = read_message(body)
        except ValueError:
            raise not_mcp(self._http.address.shown, kind, body) from None
        error = message.parts[0].get("error")
        if len(message.parts) == 1 and error and message.parts[0].get("id") is None:
            raise Failed("", error=error)
        await deliver(message)
        waiting.difference_update(message.answered)

    async def _resume(
        self, reader: EventReader, fields: Fields, waiting: set[str], deliver: Deliver
    ) -> None:
        """Come back to a stream for what it still owes. Raises Failed."""
        loop = asyncio.get_running_loop()
        tried_since = loop.time()
        while reader.last_id is not None and loop.time() - tried_since < RESUMING_S:
            await asyncio.sleep(self._pause_s if reader.retry_s is None else reader.retry_s)
            with contextlib.suppress(*UNREACHED):
                async with self._get(reader, fields) as response:
                    if response.status == 200:
                        tried_since = loop.time()
                        await _read_events(response, reader, deliver, waiting)
                    elif response.status in (400, 404, 405):
                        raise self._forgotten()
            if not waiting:
                return
        raise broken_off(self._http.address)

    def _get(
        self, reader: EventReader, fields: Fields
    ) -> contextlib.AbstractAsyncContextManager[aiohttp.ClientResponse]:
        sent = {"Accept": "text/event-stream", **fields}
        if self._session_id is not None:
            sent[SESSION] = self._session_id
        if reader.last_id is not None:
            sent["Last-Event-ID"] = reader.last_id
        return self._http.request("GET", self._target, sent)

    def _explain(
        self, response: aiohttp.ClientResponse, body: bytes, *, in_session: bool
    ) -> Failed:
        address = self._http.address.shown
        return explain(
            response.status, response.headers, body, address=address, in_session=in_session
        )

    def _forgotten(self) -> Failed:
        return lost_answer(f"The MCP server at {self._http.address.shown} was restarted")

    async def _may_listen_later(self, response: aiohttp.ClientResponse) -> bool:
        """405 is how a server says that it says nothing by itself. Raises SessionLost."""
        failed = self._explain(response, await response.content.read(MAX_PAGE), in_session=True)
        if isinstance(failed, SessionLost):
            raise failed
        return response.status != 405

    def _follow(self, response: aiohttp.ClientResponse) -> bool:
        """Web frameworks redirect from `/mcp` to `/mcp/`; elsewhere nothing is sent."""
        if response.status not in (307, 308):
            return False
        there = urlsplit(urljoin(f"{ORIGIN}{self._target}", response.headers.get("Location", "")))
        if f"{there.scheme}://{there.netloc}" != ORIGIN:
            return False
        self._target = f"{there.path}?{there.query}" if there.query else there.path
        return True

    def __repr__(self) -> str:
        state = "in a session" if self._session_id is not None else "no session"
        return f"<Streamable {self._http.address.shown} [{state}]>"


def _is_stale(response: aiohttp.ClientResponse, message: Message) -> bool:
    """Google turned down a token, and authproxy has another one but not the message any more."""
    is_googles = response.status == 401 and HINT in response.headers
    is_told = response.headers.get(ERROR) == str(Code.REFUSED_BY_GOOGLE)
    return (is_googles or is_told) and len(message.raw) > REPLAYED


async def _read_events(
    response: aiohttp.ClientResponse,
    reader: EventReader,
    deliver: Deliver,
    waiting: set[str] | None = None,
) -> None:
    """To the end of the stream, or until nothing is left in `waiting`, if given, and a moment more.

    Raises as Http does.
    """
    async with asyncio.timeout(None) as patience:
        async for data in response.content.iter_any():
            for event in reader.feed(data):
                with contextlib.suppress(ValueError):  # others than messages are not for us
                    message = read_message(event.data)
                    await deliver(message)
                    if waiting is not None:
                        waiting.difference_update(message.answered)
            if waiting is not None and not waiting:
                patience.reschedule(asyncio.get_running_loop().time() + AFTERWARDS_S)
