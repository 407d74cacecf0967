"""Streams of events end between two events, wherever the pieces are cut."""

import asyncio
import re
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.exchange import Exchange, RequestHead
from authproxy.policy.messages.facts import ResponseFacts
from authproxy.wire.admission.admission import NOWHERE
from authproxy.wire.recorder import Recorder
from authproxy.wire.relay.event_stream import EventStream, Streaming, may_end_early
from tests.support.proxying import RunningProxy, proxying
from tests.support.raw import Call, raw_service
from tests.support.talking import GET, get, post, read_rest, until

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


class Sent:
    """Stands in for a relay: what its client gets, and whether it was ended."""

    def __init__(self) -> None:
        self.out: list[bytes] = []
        self.client = self
        self.exchange = Exchange("run", 1, None, RequestHead(b"GET", b"/", "1.1", []))
        self.recorder = Recorder([])
        self.is_open = True

    def flush(self) -> None: ...

    def leave_service(self) -> None: ...

    def service_done(self, trailers: list[object]) -> None:
        self.is_open = False


def stream(sent: Sent, *, in_chunks: bool = False) -> EventStream:
    return EventStream(cast(Streaming, sent), in_chunks=in_chunks, home=NOWHERE)


def parsed(text: bytes) -> tuple[list[bytes], bytes]:
    """Whole events, and the rest: as a browser would, one line end after the other."""
    events, lines = list[bytes](), list[bytes]()
    rest = text
    while found := re.search(rb"\r\n|\n|\r", rest):
        line, rest = rest[: found.start()], rest[found.end() :]
        if line:
            lines.append(line)
        else:
            events.append(b"\n".join(lines))
            lines = []
    return events, b"\n".join([*lines, rest])


TEXT = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b"data: x"]), max_size=12)


@given(TEXT, st.lists(TEXT, max_size=6))
def test_what_a_client_got_by_the_end_is_whole_events(
    before: list[bytes], after: list[list[bytes]]
) -> None:
    sent = Sent()
    events = stream(sent)
    events.add(b"".join(before))
    _, rest = parsed(b"".join(before))
    assert (not rest) == events.is_between_events
    events.drain()
    assert events.is_between_events == (not sent.is_open)
    for pieces in after:
        events.add(b"".join(pieces))

    got = b"".join(sent.out)
    assert (b"".join(before) + b"".join(map(b"".join, after))).startswith(got)
    if not sent.is_open:
        assert b"" == parsed(got)[1]
        assert "authproxy" == sent.exchange.aborted
    else:
        assert parsed(got)[1]


def test_after_the_end_nothing_is_added() -> None:
    sent = Sent()
    events = stream(sent, in_chunks=True)
    events.add(b"data: 1\n")
    assert "<EventStream [within events]>" == repr(events)
    events.drain()
    events.add(b"\ndata: 2\n\n")
    events.add(b"data: 3\n\n")
    events.finish([])

    assert b"8\r\ndata: 1\n\r\n1\r\n\n\r\n" == b"".join(sent.out)
    assert "<EventStream [between events, ending]>" == repr(events)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [({}, True), ({"length": 9}, False), ({"is_encoded": True}, False)],
)
def test_only_what_can_be_read_and_has_no_length_ends_early(
    facts: dict[str, object], expected: bool
) -> None:
    found = ResponseFacts()
    for name, value in facts.items():
        setattr(found, name, value)

    assert expected == may_end_early(found)


async def ended(
    proxy: RunningProxy, request: bytes, *, after: bytes, goes_on: asyncio.Event | None = None
) -> bytes:
    """All that a client gets when draining begins once `after` has come."""
    reader, writer = await proxy.connect()
    writer.write(request)
    async with asyncio.timeout(10):
        begun = await reader.readuntil(after)
    proxy.server.drain()
    if goes_on is not None:
        goes_on.set()
    rest = await read_rest(reader)
    writer.close()
    return begun + rest


OLD_GET = GET.replace(b"HTTP/1.1", b"HTTP/1.0")


@pytest.mark.parametrize(
    ("request_", "said", "after", "more", "end"),
    [
        (GET, CHUNKED, b"\r\n\r\n", b"", b"\r\n\r\n0\r\n\r\n"),
        (GET, CHUNKED + b"9\r\ndata: 1\n\n\r\n", b"1\n\n\r\n", b"", b"1\n\n\r\n0\r\n\r\n"),
        (GET, HEAD + b"\r\ndata: 1\n\n", b"1\n\n\r\n", b"", b"1\n\n\r\n0\r\n\r\n"),
        (OLD_GET, HEAD + b"\r\ndata: 1\n\n", b"1\n\n", b"", b"data: 1\n\n"),
        (OLD_GET, CHUNKED + b"9\r\ndata: 1\n\n\r\n", b"1\n\n", b"", b"data: 1\n\n"),
        (
            GET,
            CHUNKED + b"7\r\ndata: 1\r\n",
            b"data: 1\r\n",
            b"4\r\n\n\nda\r\n5\r\nta: 2\r\n",
            b"\r\n2\r\n\n\n\r\n0\r\n\r\n",
        ),
        (GET, HEAD + b"\r\ndata: 1", b"data: 1\r\n", b"\n\ndata: 2\n\n", b"\n\n\r\n0\r\n\r\n"),
    ],
    ids=["head only", "idle", "until close", "1.0", "chunked to 1.0", "in an event", "in one"],
)
async def test_a_stream_ends_in_good_order_with_its_last_event(
    request_: bytes, said: bytes, after: bytes, more: bytes, end: bytes
) -> None:
    goes_on, gone = asyncio.Event(), asyncio.Event()

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(said)
        await goes_on.wait()
        await call.say(more)
        await call.reader.read(-1)
        gone.set()

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        got = await ended(proxy, request_, after=after, goes_on=goes_on)
        await proxy.server.shutdown(10)
        (exchange,) = await proxy.heard.wait_for(1)
        await until(lambda: proxy.pool.status().open == 0)

    assert got.endswith(end)
    assert b"data: 2" not in got
    assert (200, "authproxy") == (exchange.status, exchange.aborted)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (get("/", "Accept: text/event-stream", method="POST"), CHUNKED + b"9\r\ndata: 1\n\n\r\n"),
        (post(b"x"), CHUNKED + b"9\r\ndata: 1\n\n\r\n"),
        (GET, CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n") + b"1\r\nx\r\n"),
        (GET, HEAD + b"Content-Length: 99\r\n\r\ndata: 1\n\n"),
        (GET, CHUNKED.replace(b"text/event-stream", b"text/plain") + b"2\r\n\n\n\r\n"),
        (GET, CHUNKED + b"7\r\ndata: 1\r\n"),
    ],
    ids=["POST", "POST with a body", "encoded", "with a length", "no events", "within an event"],
)
async def test_other_answers_have_the_time_to_drain_and_are_cut_then(
    request_: bytes, said: bytes
) -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(said)
        await call.reader.read(-1)
        await call.reader.read(-1)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(request_)
        async with asyncio.timeout(10):
            await reader.readuntil(said[-4:])
        await proxy.server.shutdown(0.25)

        try:
            rest = await read_rest(reader)
        except ConnectionResetError:
            rest = b""
        writer.close()
        (exchange,) = await proxy.heard.wait_for(1)

    assert (b"", "authproxy") == (rest, exchange.aborted)
