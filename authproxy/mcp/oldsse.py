"""HTTP+SSE, the transport of MCP before 2025-03-26: one stream of events has all answers.

The stream's first event says where messages are to be posted. When the stream ends, the session has
ended too.
"""

import asyncio
import contextlib
from urllib.parse import urljoin, urlsplit

import aiohttp

from authproxy.mcp.channel import ORIGIN, UNREACHED, Deliver, Fields, Http
from authproxy.mcp.events import Event, EventReader
from authproxy.mcp.failures import Failed, SessionLost, explain, lost_answer
from authproxy.mcp.messages import INITIALIZE, Message, read_message
from authproxy.tasks import Tasks

MAX_PAGE = 64 * 1024
FIRST_EVENT_S = 10.0


class OldSse:
    """With one server."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._tasks = Tasks()
        self._stream: asyncio.Task[None] | None = None
        self._endpoint: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._answers: dict[str, asyncio.Future[None]] = {}
        self._deliver: Deliver | None = None
        self._ended = asyncio.Event()

    async def exchange(self, message: Message, fields: Fields, deliver: Deliver) -> None:
        """As Channel has it. `initialize` opens a stream of its own."""
        if message.method == INITIALIZE:
            await self._open()
        if self._stream is None or self._stream.done():
            raise SessionLost(f"The MCP session at {self._http.address.shown} has ended")
        loop = asyncio.get_running_loop()
        answers = {key: loop.create_future() for key in message.awaited}
        self._answers.update(answers)
        self._deliver = deliver if message.awaited else self._deliver or deliver
        try:
            await self._post(message, fields)
            if answers:
                await asyncio.gather(*answers.values())
        finally:
            for key, answer in answers.items():
                if self._answers.get(key) is answer:  # and not that of a later one with its id
                    del self._answers[key]

    async def listen(self, deliver: Deliver) -> None:
        """As Channel has it. The one stream has it all."""
        self._deliver = deliver
        await self._ended.wait()
        raise SessionLost(f"The MCP session at {self._http.address.shown} has ended")

    async def end(self) -> None:
        """As Channel has it: the stream ends."""
        await self._tasks.cancel()

    async def _open(self) -> None:
        """Raises Failed."""
        await self.end()
        self._ended = asyncio.Event()
        self._endpoint = asyncio.get_running_loop().create_future()
        self._stream = self._tasks.start(self._read(), name="stream of events")
        try:
            async with asyncio.timeout(FIRST_EVENT_S):
                await self._endpoint
        except TimeoutError:
            await self.end()
            raise self._no_stream() from None

    async def _post(self, message: Message, fields: Fields) -> None:
        sent = {"Content-Type": "application/json", "Accept": "application/json", **fields}
        address = self._http.address.shown
        target = self._endpoint.result()
        try:
            async with self._http.request("POST", target, sent, message.raw) as response:
                if response.status >= 300:
                    body = await response.content.read(MAX_PAGE)
                    raise explain(
                        response.status, response.headers, body, address=address, in_session=True
                    )
        except UNREACHED:
            raise lost_answer(f"The connection to {address} ended") from None

    async def _read(self) -> None:
        """The whole stream; its end is that of the session."""
        failed: Failed = self._no_stream()
        try:
            target = self._http.address.target
            fields = {"Accept": "text/event-stream"}
            async with self._http.request("GET", target, fields) as response:
                if response.status != 200 or response.content_type != "text/event-stream":
                    body = await response.content.read(MAX_PAGE)
                    address = self._http.address.shown
                    failed = explain(response.status, response.headers, body, address=address)
                    return
                await self._read_events(response)
        except UNREACHED:
            pass
        finally:
            self._ended.set()
            self._fail(failed)

    async def _read_events(self, response: aiohttp.ClientResponse) -> None:
        reader = EventReader()
        async for data in response.content.iter_any():
            for event in reader.feed(data):
                await self._take(event)

    async def _take(self, event: Event) -> None:
        if event.name == "endpoint":
            self._note_endpoint(event.data.decode("utf-8", "replace"))
            return
        with contextlib.suppress(ValueError):
            message = read_message(event.data)
            if self._deliver is not None:
                await self._deliver(message)
            for key in message.answered:
                if (answer := self._answers.get(key)) is not None and not answer.done():
                    answer.set_result(None)

    def _note_endpoint(self, text: str) -> None:
        """An address elsewhere is no good; one with the service's own host is a path here."""
        there = urlsplit(urljoin(f"{ORIGIN}{self._http.address.target}", text))
        own = urlsplit(self._http.address.shown).netloc
        if not self._endpoint.done() and there.netloc in (own, urlsplit(ORIGIN).netloc):
            self._endpoint.set_result(f"{there.path}?{there.query}" if there.query else there.path)

    def _fail(self, failed: Failed) -> None:
        """Nobody gets an answer any more."""
        if not self._endpoint.done():
            self._endpoint.set_exception(failed)
        lost = lost_answer(f"The stream of answers from {self._http.address.shown} ended")
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(lost)

    def _no_stream(self) -> Failed:
        return Failed(
            f"There is no MCP server at {self._http.address.shown}",
            "Is the path right? Most servers have it at /mcp.",
        )

    def __repr__(self) -> str:
        return f"<OldSse {self._http.address.shown} [{len(self._answers)} waiting]>"
