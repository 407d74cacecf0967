"""How streams of events that answer a POST end, over HTTP/1.1 and from end to end."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from authproxy.settings import TimeoutSettings
from tests.support.proxying import proxying
from tests.support.raw import Call, raw_service
from tests.support.talking import get, read_rest, until, was_cut

BOTH = "Accept: application/json, text/event-stream"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = EVENTS + b"Transfer-Encoding: chunked\r\n\r\n"
NOTIFICATION = b'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n'
RESPONSE = b'data: {"jsonrpc":"2.0","id":7,"result":{}}\n\n'

End = Callable[[Call], Awaitable[None]]


def message(method: str = "tools/call", id_: object = 7) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id_, "method": method}).encode()


def post(body: bytes, *fields: str) -> bytes:
    lines = (BOTH, f"Content-Length: {len(body)}", *fields)
    return get("/", *lines, method="POST") + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def cut(call: Call) -> None:
    call.cut()


async def close(call: Call) -> None:
    call.writer.close()


async def end(call: Call) -> None:
    await call.say(b"0\r\n\r\n")


async def break_chunks(call: Call) -> None:
    await call.say(b"x\r\n")


def content(chunked: bytes) -> bytes:
    """Of an answer whose chunks end in good order."""
    head, _, rest = chunked.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    found = b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        length = int(size, 16)
        found += rest[:length]
        assert b"\r\n" == rest[length : length + 2]
        rest = rest[length + 2 :]
        if not length:
            assert b"" == rest
            return found


async def answered(request: bytes, said: bytes, finish: End, **given: object) -> bytes | None:
    """All that the client gets; None: it was cut off."""

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(said)
        heard.set()
        await asyncio.sleep(0.02)  # a packet of its own: nothing is waited for
        await finish(call)
        await asyncio.sleep(0.02)

    heard = asyncio.Event()
    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(request)
        try:
            got = await read_rest(reader)
        except ConnectionResetError:
            got = None
        writer.close()
    return got


@pytest.mark.parametrize("finish", [cut, close, break_chunks])
@pytest.mark.parametrize("before", [b"", NOTIFICATION, b": ping\n\n"])
async def test_a_stream_that_dies_ends_with_an_error_and_in_good_order(
    finish: End, before: bytes
) -> None:
    said = CHUNKED + (chunk(before) if before else b"")
    got = await answered(post(message()), said, finish)

    assert got is not None
    events = content(got)
    assert events.startswith(before)
    event = events.removeprefix(before)
    assert event.startswith(b"event: message\ndata: ")
    assert event.endswith(b"\n\n")
    error = json.loads(event.partition(b"data: ")[2])
    assert (7, -32000) == (error["id"], error["error"]["code"])
    assert "upstream_broke" == error["error"]["data"]["authproxy"]


async def test_one_that_ends_without_the_response_gets_it_too() -> None:
    got = await answered(post(message(), "Connection: close"), CHUNKED + chunk(NOTIFICATION), end)

    assert got is not None
    error = json.loads(content(got).removeprefix(NOTIFICATION).partition(b"data: ")[2])
    assert "before the response" in error["error"]["message"]


OTHERS = {
    "within an event": (message(), NOTIFICATION + b"data: {"),
    "with ids": (message(), b"id: 1\n" + NOTIFICATION),
    "after the response": (message(), RESPONSE),
    "of a notification": (b'{"jsonrpc":"2.0","method":"a"}', NOTIFICATION),
    "of no message": (b"nonsense", NOTIFICATION),
}


@pytest.mark.parametrize(("body", "events"), OTHERS.values(), ids=OTHERS)
async def test_others_are_cut_off_as_ever(body: bytes, events: bytes) -> None:
    assert None is await answered(post(body), CHUNKED + chunk(events), cut)


@pytest.mark.parametrize(
    "head",
    [
        EVENTS + b"Content-Length: 999\r\n\r\n",
        CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"),
    ],
    ids=["with a length", "compressed"],
)
async def test_nothing_is_put_into_what_has_a_length_or_is_compressed(head: bytes) -> None:
    said = head + (NOTIFICATION if b"999" in head else chunk(NOTIFICATION))
    assert None is await answered(post(message()), said, cut)


async def test_what_has_brought_its_response_passes_as_it_came() -> None:
    got = await answered(
        post(message(), "Connection: close"), CHUNKED + chunk(NOTIFICATION) + chunk(RESPONSE), end
    )

    assert got is not None
    assert NOTIFICATION + RESPONSE == content(got)


async def test_a_client_of_http_1_0_gets_the_error_before_the_connection_ends() -> None:
    request = post(message()).replace(b"HTTP/1.1", b"HTTP/1.0")
    got = await answered(request, EVENTS + b"\r\n" + NOTIFICATION, close)

    assert got is not None
    events = got.partition(b"\r\n\r\n")[2].removeprefix(NOTIFICATION)
    assert 7 == json.loads(events.partition(b"data: ")[2])["id"]


async def test_each_of_a_batch_hears_of_it() -> None:
    batch = b"[%b, %b, %b]" % (message(id_=7), message(id_=8), message(id_="x"))
    got = await answered(post(batch), CHUNKED + chunk(RESPONSE), cut)

    assert got is not None
    events = content(got).removeprefix(RESPONSE).strip().split(b"\n\n")
    assert [8, "x"] == [json.loads(each.partition(b"data: ")[2])["id"] for each in events]


async def test_one_that_takes_too_long_is_told_by_which_bound() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(CHUNKED)
        await call.reader.read()

    timeouts = TimeoutSettings(stream_idle=5)
    async with raw_service(talk) as service, proxying(service.url, timeouts=timeouts) as proxy:
        reader, writer = await proxy.connect()
        writer.write(post(message()))
        begun = await reader.readuntil(b"\r\n\r\n")
        proxy.server.tick(6)
        events = content(begun + await read_rest(reader))
        (exchange,) = await proxy.heard.wait_for(1)
        writer.close()

    assert "timeouts.stream_idle" in json.loads(events.partition(b"data: ")[2])["error"]["message"]
    assert ("upstream_timeout", 200) == (exchange.code, exchange.status)


@pytest.mark.parametrize("begun", [b"", NOTIFICATION, b"data: x\n"])
async def test_what_only_listens_ends_at_once_when_authproxy_does(begun: bytes) -> None:
    go_on = asyncio.Event()

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(CHUNKED + (chunk(begun) if begun else b""))
        await go_on.wait()
        await call.say(chunk(b"\n"))
        await call.reader.read()

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(post(message("subscriptions/listen")))
        head = await reader.readuntil(b"\r\n\r\n")
        if begun:
            head += await reader.readuntil(chunk(begun))
        proxy.server.drain()
        if begun.endswith(b"x\n"):
            go_on.set()
            begun += b"\n"
        events = content(head + await read_rest(reader))
        (exchange,) = await proxy.heard.wait_for(1)
        writer.close()

    assert events.startswith(begun)
    said = json.loads(events.removeprefix(begun).partition(b"data: ")[2])
    assert (7, "shutting_down") == (said["id"], said["error"]["data"]["authproxy"])
    assert ("authproxy", "shutting_down") == (exchange.aborted, exchange.code)


async def test_a_call_has_its_time_when_authproxy_ends() -> None:
    go_on = asyncio.Event()

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(CHUNKED + chunk(NOTIFICATION))
        await go_on.wait()
        await call.say(chunk(RESPONSE) + b"0\r\n\r\n")

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(post(message()))
        head = await reader.readuntil(chunk(NOTIFICATION))
        proxy.server.drain()
        go_on.set()

        assert NOTIFICATION + RESPONSE == content(head + await read_rest(reader))
        writer.close()


async def test_events_pass_one_by_one_with_the_fields_of_mcp() -> None:
    events: asyncio.Queue[bytes] = asyncio.Queue()

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(CHUNKED.replace(b"\r\n\r\n", b"\r\nMcp-Session-Id: s-1\r\n\r\n"))
        while event := await events.get():
            await call.say(chunk(event))
        await call.say(b"0\r\n\r\n")

    fields = ("Mcp-Session-Id: s-0", "Last-Event-ID: 5", "Mcp-Method: a", "Mcp-Name: b")
    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(post(message(), *fields))
        head = await reader.readuntil(b"\r\n\r\n")
        for event in (NOTIFICATION, b": ping\n", RESPONSE):
            events.put_nowait(event)
            assert (await reader.readuntil(chunk(event))).endswith(chunk(event))
        events.put_nowait(b"")
        await until(lambda: proxy.server.status().begun == 1)
        writer.close()

    assert b"\r\nMcp-Session-Id: s-1\r\n" in head
    for field in fields:
        assert f"\r\n{field}\r\n".encode() in service.heads[0]


async def test_it_can_be_switched_off() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(CHUNKED + chunk(NOTIFICATION))
        await asyncio.sleep(0.02)  # a packet of its own: nothing is waited for
        call.cut()

    async with raw_service(talk) as service, proxying(service.url, mcp=False) as proxy:
        reader, writer = await proxy.connect()
        writer.write(post(message()))

        assert await was_cut(reader)
        writer.close()
