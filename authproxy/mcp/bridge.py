"""Between a client's lines and a server: each message goes on, each request gets an answer.

The answer is the server's, or an error that says what to do, and the next request finds everything
as if nothing had been.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from authproxy.mcp.conversation import Connect, Conversation
from authproxy.mcp.failures import Failed
from authproxy.mcp.messages import (
    CANCELLED,
    FAILED,
    INVALID_REQUEST,
    PARSE_ERROR,
    Message,
    read_message,
    write_error,
)
from authproxy.tasks import Tasks

logger = logging.getLogger(__name__)

Write = Callable[[bytes], Awaitable[None]]
NOTICE_S = 10.0
"""How long what comes after a notification waits for it."""


@dataclass(slots=True, eq=False)
class InFlight:
    """A request that the client waits for."""

    message: Message
    task: asyncio.Task[None] | None = None
    is_cancelled: bool = False


class Bridge:
    """One client and one server."""

    def __init__(self, write: Write, connect: Connect, connect_older: Connect) -> None:
        """`connect_older`: by the transport of 2024, where the other one is not understood."""
        self._write = write
        self._conversation = Conversation(connect, connect_older, self._deliver)
        self._calls: dict[str, InFlight] = {}
        self._tasks = Tasks()

    async def take(self, line: bytes) -> None:
        """A line of the client. Returns when the next may be taken."""
        try:
            message = read_message(line)
        except ValueError as error:
            code = PARSE_ERROR if "JSON" in str(error) else INVALID_REQUEST
            logger.warning("the client sent a line that is no message: %s", error)
            text = f"This line is no message: {error}"
            await self._write(write_error("null", {"code": code, "message": text}))
            return
        if message.awaited:
            self._begin(message)
        elif message.method != CANCELLED or not self._cancel(message):
            notice = self._tasks.start(self._notify(message), name=message.method or "response")
            await asyncio.wait([notice], timeout=NOTICE_S)

    async def settle(self, seconds: float) -> None:
        """Give what is in flight a moment to end."""
        await self._tasks.settle(seconds)

    @property
    def in_flight(self) -> list[str]:
        """What the client still waits for, by method."""
        calls = {id(call): call for call in self._calls.values()}
        return [call.message.method or "several requests" for call in calls.values()]

    async def close(self, seconds: float) -> None:
        """End everything, and tell the server of it."""
        await self._tasks.cancel()
        await self._conversation.end(seconds)

    # From the client to the server.

    def _begin(self, message: Message) -> None:
        call = InFlight(message)
        for key in message.awaited:
            self._calls[key] = call
        name = message.method or "several requests"
        call.task = self._tasks.start(self._call(call), name=name)

    async def _call(self, call: InFlight) -> None:
        """To its answer, whatever that is."""
        message = call.message
        try:
            await self._conversation.ask(message)
        except Failed as failed:
            await self._answer(call, dict(failed.error))
        except Exception:
            logger.exception("%s failed", message.method)
            text = "authproxy failed at this request; its log, on stderr, says how."
            await self._answer(call, {"code": FAILED, "message": text})
        finally:
            for key in message.awaited:
                if self._calls.get(key) is call:  # and not a later one with its id
                    del self._calls[key]

    async def _notify(self, message: Message) -> None:
        try:
            await self._conversation.notify(message)
        except Failed as failed:
            logger.warning("%s was lost: %s", message.method or "a response", failed)

    def _cancel(self, message: Message) -> bool:
        """Whether the bridge is all that needs to hear of it.

        Since 2026 a request is cancelled by leaving its answer, and there is no such notification.
        """
        key = json.dumps(message.params.get("requestId"))
        call = self._calls.get(key)
        if call is None:
            return not self._conversation.has_session
        call.is_cancelled = True
        if not call.message.version or call.task is None:
            return False
        call.task.cancel()
        return True

    # From the server to the client.

    async def _deliver(self, message: Message) -> None:
        """A message of the server; a response only if somebody waits for it."""
        answered = message.answered
        if answered and not any(key in self._calls for key in answered):
            return
        for key in answered:
            self._calls.pop(key, None)
        await self._write(message.raw)

    async def _answer(self, call: InFlight, error: dict[str, object]) -> None:
        if not error.get("message"):
            error = {**error, "message": "The server gave no reason."}
        logger.warning("%s failed: %s", call.message.method or "a request", error["message"])
        for key in call.message.awaited:
            if self._calls.get(key) is call:
                del self._calls[key]
                if not call.is_cancelled:
                    await self._write(write_error(key, error))

    def __repr__(self) -> str:
        return f"<Bridge [{len(self._calls)} calls, {self._conversation!r}]>"
