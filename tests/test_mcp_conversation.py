"""What the bridge's tests do not show: the server is away while a session begins anew."""

import asyncio
from pathlib import Path

import pytest

from authproxy.mcp.channel import Channel
from authproxy.mcp.conversation import Conversation
from authproxy.mcp.failures import Failed
from authproxy.mcp.messages import Message, write_message
from authproxy.mcp.streamable import Streamable
from tests.support.mcp_server import mcp_server, page

BEGIN = write_message(id=1, method="initialize", params={})
PING = write_message(id=2, method="ping")


async def test_a_session_that_cannot_begin_anew_yet_begins_with_a_later_call(
    tmp_path: Path,
) -> None:
    came: list[Message] = []

    async def deliver(message: Message) -> None:
        came.append(message)

    async with mcp_server(tmp_path) as (server, http):
        streamable = Streamable(http)

        async def connect() -> Channel:
            return streamable

        talk = Conversation(connect, connect, deliver)
        states = [talk.has_session]
        with pytest.raises(Failed, match="Session not found"):
            await talk.ask(PING)
        await talk.ask(BEGIN)
        states.append(talk.has_session)
        server.sessions.clear()
        error = (
            '{"jsonrpc": "2.0", "id": "authproxy-2", "error": {"code": 7, "message": "Not yet"}}'
        )
        server.instead += [page(404), page(503, "busy"), page(404), page(200, error)]
        with pytest.raises(Failed, match="answered with 503: busy"):
            await talk.ask(PING)
        with pytest.raises(Failed, match="Not yet"):
            await talk.ask(PING)
        await talk.ask(PING)
        await asyncio.wait_for(talk.end(1), 10)

    assert "<Conversation [<Session 2 [2025-11-25]>]>" == repr(talk)
    assert [False, True] == states
    assert [("1",), (), ("2",)] == [message.answered for message in came]
