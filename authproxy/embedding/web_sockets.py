"""Carries the messages of a WebSocket between a client of the application and a service.

aiohttp speaks the protocol on both sides: messages, pings and close codes pass; frames and
extensions are each side's own.
"""

import asyncio

from aiohttp import (
    ClientSession,
    ClientWebSocketResponse,
    WSMessage,
    WSMsgType,
    WSServerHandshakeError,
    web,
)
from yarl import URL

from authproxy.embedding.message_heads import Fields
from authproxy.tasks import Tasks

MAX_MESSAGE = 16 * 1024 * 1024
"""Each is in memory whole; a larger one ends the connection with 1009."""
NORMAL, GOING_AWAY = 1000, 1001
_OF_HANDSHAKE = "sec-websocket-"

Socket = ClientWebSocketResponse | web.WebSocketResponse


def wants_socket(request: web.Request) -> bool:
    return web.WebSocketResponse().can_prepare(request).ok


async def carry(
    request: web.Request, session: ClientSession, url: URL, fields: Fields
) -> web.StreamResponse:
    """Until either side closes. What the service answers instead of a 101 passes as its status."""
    wanted = request.headers.get("Sec-WebSocket-Protocol", "")
    try:
        service = await session.ws_connect(
            url,
            headers=[each for each in fields if not each[0].lower().startswith(_OF_HANDSHAKE)],
            protocols=[word.strip() for word in wanted.split(",") if word.strip()],
            autoping=False,
            autoclose=False,
            max_msg_size=MAX_MESSAGE,
        )
    except WSServerHandshakeError as error:
        text = "The service did not accept the WebSocket.\n"
        return web.Response(status=error.status if error.status >= 400 else 502, text=text)
    async with service:
        client = web.WebSocketResponse(
            protocols=[service.protocol] if service.protocol else (),
            autoping=False,
            autoclose=False,
            compress=False,
            max_msg_size=MAX_MESSAGE,
        )
        await client.prepare(request)
        await _both_ways(client, service)
        return client


async def _both_ways(client: web.WebSocketResponse, service: ClientWebSocketResponse) -> None:
    tasks = Tasks()
    try:
        await asyncio.wait(
            [
                tasks.start(_pump(client, service), name="from the client"),
                tasks.start(_pump(service, client), name="from the service"),
            ]
        )
    finally:
        await tasks.cancel()


async def _pump(source: Socket, other: Socket) -> None:
    """All that `source` says, its end too. Whichever pump hears of an end first tells it."""
    while True:
        message = await source.receive()
        if message.type is WSMsgType.CLOSING:
            return  # the other pump is about to tell `source` of an end
        if message.type is WSMsgType.CLOSE:
            code = message.data or NORMAL
            await other.close(code=code, message=(message.extra or "").encode())
            await source.close(code=code)
            return
        try:
            if not await _send(other, message):
                await other.close(code=GOING_AWAY)
                return
        except ConnectionError:
            return


async def _send(other: Socket, message: WSMessage) -> bool:
    """False for what is no message: the connection broke."""
    if message.type is WSMsgType.TEXT:
        await other.send_str(message.data)
    elif message.type is WSMsgType.BINARY:
        await other.send_bytes(message.data)
    elif message.type is WSMsgType.PING:
        await other.ping(message.data)
    elif message.type is WSMsgType.PONG:
        await other.pong(message.data)
    else:
        return False
    return True
