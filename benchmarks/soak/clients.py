"""The clients of the mixed load: one function for each kind, which is one client's session.

Each yields control of its pace to the clock, not to the proxy, and checks all that it gets. It
returns how many answers that were. Another kind is a function and a row in `KINDS`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

import grpc
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.soak import content
from benchmarks.soak.http import Answer, Line, WrongError, connected

MESSAGE = 80_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What sessions share."""

    port: int
    chance: Random
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def pause(self, mean_s: float) -> None:
        """Wait for a while, not longer than the load goes on."""
        try:
            async with asyncio.timeout(self.chance.uniform(0, 2 * mean_s)):
                await self.stop.wait()
        except TimeoutError:
            return


Session = Callable[[Load], Awaitable[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How many of them there are at a time, and how long each rests between two sessions."""

    session: Session
    count: int
    rest_s: float
    at_once: bool = False
    """They all begin at the same time, by the clock."""


async def keep_asking(load: Load) -> int:
    """Small requests on a connection that is kept alive."""
    answers = 0
    async with connected(load.port, "web") as line:
        for number in range(load.chance.randint(10, 40)):
            said = f"{number}-{load.chance.getrandbits(64)}"
            answer = await line.ask(f"/echo?say={said}")
            _same(json.loads(await answer.whole())["said"], said)
            answers += 1
            if load.stop.is_set():
                break
            await load.pause(0.8)
    return answers


async def download(load: Load) -> int:
    async with connected(load.port, "web") as line:
        for _ in range(3):
            answer, expected = await _ask_for_bytes(line, load.chance, content.LONGEST // 2)
            await _check_body(answer, expected)
    return 3


async def upload(load: Load) -> int:
    async with connected(load.port, "web") as line:
        for _ in range(3):
            size = load.chance.randint(1, content.LONGEST // 2)
            body = content.body(load.chance.getrandbits(30), size)
            told = json.loads(await (await line.ask("/take", body=body)).whole())
            _same(told, {"length": size, "digest": content.digest(body)})
    return 3


async def read_slowly(load: Load) -> int:
    """A download by somebody who reads less than the service sends, for some ten seconds."""
    async with connected(load.port, "web", receive=16 * 1024) as line:
        answer, expected = await _ask_for_bytes(line, load.chance, content.LONGEST // 2)
        await _check_body(answer, expected, rest_s=0.15, most=16 * 1024, load=load)
    return 1


async def listen(load: Load) -> int:
    """An event stream."""
    count = load.chance.randint(10, 40)
    async with connected(load.port, "web") as line:
        answer = await line.ask(f"/tell?count={count}&pause=0.8")
        expected = b"".join(b"id: %d\ndata: %b\n\n" % (n, b"x" * (n % 700)) for n in range(count))
        _same(await answer.whole(), expected)
    return count


async def chat(load: Load) -> int:
    """A WebSocket with messages of all sizes now and then."""
    messages = 0
    async with _websocket(load) as line:
        for _ in range(load.chance.randint(5, 20)):
            size = int(MESSAGE ** load.chance.random())
            messages += await _said_and_heard(line, load.chance, size)
            if load.stop.is_set():
                break
            await load.pause(3)
    return messages


async def shout(load: Load) -> int:
    """A WebSocket with three large messages, at the same time as all others of the kind."""
    async with _websocket(load) as line:
        for _ in range(3):
            await _said_and_heard(line, load.chance, MESSAGE)
    return 3


async def give_up(load: Load) -> int:
    """A download or an upload that is cut off in its middle, with a reset."""
    async with connected(load.port, "web", receive=load.chance.choice((0, 16 * 1024))) as line:
        if load.chance.random() < 0.5:
            answer, expected = await _ask_for_bytes(line, load.chance, content.LONGEST)
            seen = 0
            async for piece in answer.pieces():
                _same(piece, expected[seen : seen + len(piece)])
                seen += len(piece)
                if load.chance.random() < 0.2:
                    break
        else:
            head = f"POST /take HTTP/1.1\r\nHost: {line.host}\r\nContent-Length: 9000000\r\n\r\n"
            line.writer.write(head.encode() + bytes(load.chance.randint(0, 500_000)))
            await load.pause(0.2)
        line.cut()
    return 1


async def call(load: Load) -> int:
    """gRPC on a channel of its own: calls, streams, and talks both ways."""
    options = [
        ("grpc.default_authority", "rpc.localhost"),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_http_proxy", 0),
    ]
    answers = 0
    async with grpc.aio.insecure_channel(f"127.0.0.1:{load.port}", options=options) as channel:
        for _ in range(load.chance.randint(2, 8)):
            answers += await load.chance.choice((_one_call, _stream, _talk))(load, channel)
            if load.stop.is_set():
                break
            await load.pause(2)
    return answers


async def _one_call(load: Load, channel: grpc.aio.Channel) -> int:
    sent = bytes(content.body(load.chance.getrandbits(30), load.chance.randint(0, 200_000)))
    _same(await channel.unary_unary("/soak/Call")(sent), content.digest(sent).encode())
    return 1


async def _stream(load: Load, channel: grpc.aio.Channel) -> int:
    seed, size = load.chance.getrandbits(30), load.chance.randint(0, 60_000)
    asked = json.dumps({"seed": seed, "size": size, "count": 20}).encode()
    count = 0
    async for message in channel.unary_stream("/soak/Stream")(asked):
        _same(message, content.body(seed + count, size))
        count += 1
    _same(count, 20)
    return count


async def _talk(load: Load, channel: grpc.aio.Channel) -> int:
    sent = [bytes(content.body(n, load.chance.randint(0, 30_000))) for n in range(10)]

    async def say() -> AsyncIterator[bytes]:
        for message in sent:
            yield message
            await load.pause(0.05)

    heard = [message async for message in channel.stream_stream("/soak/Talk")(say())]
    _same(heard, sent)
    return len(heard)


async def _ask_for_bytes(line: Line, chance: Random, longest: int) -> tuple[Answer, memoryview]:
    seed, size = chance.getrandbits(30), chance.randint(1, longest)
    how = chance.choice(("", "&chunked"))
    answer = await line.ask(f"/give?seed={seed}&size={size}{how}")
    return answer, content.body(seed, size)


async def _check_body(
    answer: Answer,
    expected: memoryview,
    *,
    rest_s: float = 0,
    most: int = 64 * 1024,
    load: Load | None = None,
) -> None:
    seen = 0
    async for piece in answer.pieces(most):
        _same(piece, expected[seen : seen + len(piece)])
        seen += len(piece)
        if load is not None:
            await load.pause(rest_s)
    _same(seen, len(expected))


def _websocket(load: Load) -> connect:
    return connect(
        "ws://ws.localhost/",
        host="127.0.0.1",
        port=load.port,
        compression=None,
        proxy=None,
        max_size=2 * MESSAGE,
        open_timeout=60,
    )


async def _said_and_heard(line: ClientConnection, chance: Random, size: int) -> int:
    said = bytes(content.body(chance.getrandbits(30), size))
    await line.send(said)
    _same(await line.recv(), said)
    return 1


def _same(found: object, expected: object) -> None:
    if found != expected:
        raise WrongError(f"{_short(found)} came in the place of {_short(expected)}")


def _short(value: object) -> str:
    size = f"{len(value)} bytes " if isinstance(value, bytes | memoryview) else ""
    shown = bytes(value[:40]) if isinstance(value, bytes | memoryview) else value
    return f"{size}{str(shown)[:200]}"


KINDS = {
    "kept alive": Kind(session=keep_asking, count=150, rest_s=0.5),
    "download": Kind(session=download, count=25, rest_s=6),
    "upload": Kind(session=upload, count=20, rest_s=6),
    "slow reader": Kind(session=read_slowly, count=130, rest_s=5),
    "events": Kind(session=listen, count=180, rest_s=2),
    "WebSocket": Kind(session=chat, count=320, rest_s=2),
    "large messages at once": Kind(session=shout, count=100, rest_s=20, at_once=True),
    "aborted": Kind(session=give_up, count=20, rest_s=3),
    "gRPC": Kind(session=call, count=40, rest_s=2),
}
