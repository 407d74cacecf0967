"""With a server: what a client asks, in a session that lasts though the server forgets it.

A session that the server does not know any more begins anew, without the client's doing, and the
request that found that out goes out again: a server that does not know the session has done
nothing. What may have been done is asked for again only where that does no harm.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from authproxy.mcp.channel import Channel, Deliver
from authproxy.mcp.failures import Broken, Failed, SessionLost
from authproxy.mcp.messages import INITIALIZE, INITIALIZED, Message, with_id, write_message
from authproxy.mcp.session import Session
from authproxy.mcp.stamps import Stamps
from authproxy.tasks import Tasks

logger = logging.getLogger(__name__)

Connect = Callable[[], Awaitable[Channel]]
"""The way to the server; the same each time, once it stands. Raises Failed."""

PAUSE_S = 1.0
MAX_PAUSE_S = 30.0


class Conversation:
    """Conversation of one client with one server."""

    def __init__(self, connect: Connect, connect_older: Connect, deliver: Deliver) -> None:
        """`connect_older`: by the transport of 2024, where the other one is not understood.

        `deliver` gets every message of the server's.
        """
        self._connect = connect
        self._connect_older = connect_older
        self._deliver = deliver
        self._is_older = False
        self._session = Session()
        self._stamps = Stamps()
        self._last_version = ""
        self._listening = Tasks()
        self._renewal = asyncio.Lock()
        self._asked = 0

    @property
    def has_session(self) -> bool:
        return self._session.has_begun

    async def ask(self, message: Message) -> None:
        """Have it answered; once more, where that is of use and does no harm. Raises Failed."""
        number = self._session.number
        try:
            await self._ask(message)
        except SessionLost:
            if message.method == INITIALIZE:
                raise
            await self._begin_again(number)
            await self._ask(message)
        except Broken:
            if not message.is_safe:
                raise
            await self._ask(message)
        except Failed as failed:
            if message.method != INITIALIZE or not failed.may_be_older or self._is_older:
                raise
            await self._ask_older(message, failed)

    async def _ask_older(self, message: Message, failed: Failed) -> None:
        """`message` by the older transport; if that is not it either, the first failure counts."""
        self._is_older = True
        try:
            await self._ask(message)
        except Failed:
            self._is_older = False
            raise failed from None

    async def _ask(self, message: Message) -> None:
        """Raises Failed."""
        async with self._renewal:
            channel = await self._channel()
        answers: list[Message] = []

        async def deliver(came: Message) -> None:
            if set(message.awaited) & set(came.answered):
                answers.append(came)
                self._note(message, came)
            await self._deliver(came)

        await channel.exchange(message, self._fields(message), deliver)

    def _note(self, message: Message, answer: Message) -> None:
        """Remember of an answer what is needed later."""
        if message.method == INITIALIZE:
            self._session.begin(message, answer)
        elif message.method == "tools/list" and message.version:
            self._stamps.note_tools(answer)
        elif "result" in answer.parts[0]:
            self._session.note(message)

    def _fields(self, message: Message) -> dict[str, str]:
        if message.version:
            self._last_version = message.version
            return self._stamps.fields(message)
        if self._last_version and not self._session.has_begun and message.method != INITIALIZE:
            return {"MCP-Protocol-Version": self._last_version, "Mcp-Method": message.method}
        return self._session.fields(message)

    async def notify(self, message: Message) -> None:
        """Pass on a notification, or the answer to a request of the server's. Raises Failed."""
        channel = await self._channel()
        await channel.exchange(message, self._fields(message), self._deliver)
        if message.method == INITIALIZED and self._session.has_begun:
            await self._listen()

    async def end(self, seconds: float) -> None:
        """Tell the server, if it can be told within that time."""
        await self._listening.cancel()
        if self._session.has_begun:
            try:
                async with asyncio.timeout(seconds):
                    await (await self._channel()).end()
            except (Failed, TimeoutError):
                logger.debug("the server could not be told of the end")

    async def _channel(self) -> Channel:
        return await (self._connect_older() if self._is_older else self._connect())

    async def _listen(self) -> None:
        """To what the server says by itself, in place of what was listened to before."""
        await self._listening.cancel()
        self._listening.spawn(self._keep_listening(), name="listening")

    async def _keep_listening(self) -> None:
        while True:
            number = self._session.number
            try:
                await (await self._channel()).listen(self._deliver)
            except SessionLost:
                await self._begin_again_soon(number)
            else:
                return

    async def _begin_again_soon(self, number: int) -> None:
        """Nobody waits for it, so it may take as long as the server is away."""
        pause_s = PAUSE_S
        while True:
            try:
                await self._begin_again(number)
            except Failed as failed:
                logger.warning("no new session yet: %s", failed)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, MAX_PAUSE_S)
            else:
                return

    async def _begin_again(self, number: int) -> None:
        """A session in place of the one with that number, which the server does not know any more.

        Raises Failed.
        """
        async with self._renewal:
            if self._session.number != number:
                return
            await self._renew(await self._channel())
        logger.info("the server has forgotten the session; another one has begun")
        if not len(self._listening):
            await self._listen()
        for change in self._session.changes:
            await self._deliver(change)

    async def _renew(self, channel: Channel) -> None:
        """Raises Failed."""
        begin = self._session.again(self._own_id())
        if begin is None:
            raise Failed("The MCP server asks for a session, and the client has begun none")
        answer = await self._ask_for_itself(channel, begin)
        if "result" not in answer.parts[0]:
            raise Failed("", error=answer.parts[0]["error"])
        was, repeated = self._session.version, self._session.repeated
        self._session.begin_again(answer)
        if self._session.version != was:
            logger.warning("the server speaks %s now, not %s", self._session.version, was)
        initialized = write_message(method=INITIALIZED)
        await channel.exchange(initialized, self._session.fields(initialized), self._deliver)
        for message in repeated:
            try:
                await self._ask_for_itself(channel, message, self._own_id())
            except Failed as failed:
                logger.warning("%s could not be repeated: %s", message.method, failed)

    async def _ask_for_itself(
        self, channel: Channel, message: Message, request_id: str | None = None
    ) -> Message:
        """The answer, which the client does not hear of. Raises Failed."""
        if request_id is not None:
            message = with_id(message, request_id)
        answers: list[Message] = []

        async def deliver(came: Message) -> None:
            if set(came.answered) & set(message.awaited):
                answers.append(came)
            else:
                await self._deliver(came)

        await channel.exchange(message, self._session.fields(message), deliver)
        return answers[0]

    def _own_id(self) -> str:
        self._asked += 1
        return f"authproxy-{self._asked}"

    def __repr__(self) -> str:
        return f"<Conversation [{self._session!r}]>"
