"""What observers hear of exchanges of every kind, with real sockets; what they may add to them.

That what they hear is in order and complete, whatever happens, every test of the data path sees to:
see `support/hearing.py`.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from types import MethodType
from typing import Any

import pytest

from authproxy.exchange import Exchange, RequestHead
from authproxy.times import Opening
from authproxy.wire.http2.framing.frames import DATA, END_STREAM, PADDED, RST_STREAM, frame
from tests.support.hearing import Everything, Story
from tests.support.http2 import Call as Http2Call
from tests.support.http2 import Handler, http2_client, http2_service, ok
from tests.support.proxying import TOKEN_TEXT, FixedTokens, make_token, proxying
from tests.support.raw import OK, Call, Conversation, always, raw_service
from tests.support.talking import get, read_answer, read_rest, until

BEGIN, ANSWER = ["begun", "admitted", "sent"], ["answered", "answer_head"]
BODY = ["begun", "admitted", "request_piece", "sent"]
"""The beginning, with content that is here before there is a connection."""
REFUSED = ["begun", *ANSWER, "answer_piece", "ended"]


@dataclass(frozen=True, kw_only=True)
class Case:
    request: bytes
    says: Sequence[bytes] = (OK,)
    """The service, on its first connections, each to one request; it closes them then."""
    plot: Sequence[str]
    status: int = 200
    content: bytes = b""
    answer: bytes | None = b""
    """None: of our own."""
    trailers: Sequence[bytes] = ()
    tries: int = 1


def last(*fields: str, method: str = "GET", target: str = "/") -> bytes:
    return get(target, *fields, "Connection: close", method=method)


HTTP1 = {
    "a whole answer": Case(
        request=last(),
        plot=[*BEGIN, *ANSWER, "answer_piece", "ended"],
        answer=b"ok",
    ),
    "content both ways, in chunks": Case(
        request=last("Transfer-Encoding: chunked", method="PUT")
        + b"3\r\nabc\r\n1;x\r\nd\r\n0\r\n\r\n",
        says=[
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2\r\nxy\r\n1\r\nz\r\n0\r\nA: b\r\n\r\n"
        ],
        plot=[*BODY, *ANSWER, "answer_piece", "answer_trailers", "ended"],
        content=b"abcd",
        answer=b"xyz",
        trailers=[b"A: b"],
    ),
    "up to the end of the connection": Case(
        request=last(),
        says=[b"HTTP/1.0 200 OK\r\n\r\nabc"],
        plot=[*BEGIN, *ANSWER, "answer_piece", "ended"],
        answer=b"abc",
    ),
    "HEAD": Case(request=last(method="HEAD"), says=[OK[:-2]], plot=[*BEGIN, *ANSWER, "ended"]),
    "204": Case(
        request=last(),
        says=[b"HTTP/1.1 204 No Content\r\n\r\n"],
        plot=[*BEGIN, *ANSWER, "ended"],
        status=204,
    ),
    "304": Case(
        request=last(),
        says=[b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"],
        plot=[*BEGIN, *ANSWER, "ended"],
        status=304,
    ),
    "interim answers before it": Case(
        request=last(),
        says=[b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK],
        plot=[*BEGIN, *ANSWER, "answer_piece", "ended"],
        answer=b"ok",
    ),
    "a try that was in vain, its content told once": Case(
        request=last("Content-Length: 3", method="PUT") + b"abc",
        says=[
            b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Bearer"
            b' error="invalid_token" error_description="The access token could not be verified"'
            b"\r\n\r\n",
            OK,
        ],
        plot=[*BODY, "again", "sent", *ANSWER, "answer_piece", "ended"],
        content=b"abc",
        answer=b"ok",
        tries=2,
    ),
    "cut within": Case(
        request=last(),
        says=[b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"],
        plot=[*BEGIN, *ANSWER, "answer_piece", "ended"],
        answer=b"abc",
    ),
    "no answer": Case(
        request=last("Content-Length: 1", method="POST") + b"a",
        says=[b""],
        plot=[*BODY, *ANSWER, "answer_piece", "ended"],
        status=502,
        content=b"a",
        answer=None,
    ),
    "refused": Case(request=last(method="TRACE"), plot=REFUSED, status=405, answer=None, tries=0),
    "not HTTP": Case(request=b"GET /\r\n\r\n", plot=REFUSED, status=400, answer=None, tries=0),
}


def in_turn(says: Sequence[bytes]) -> Conversation:
    numbers = count()

    async def talk(call: Call) -> None:
        head = await call.read_head()
        if b"\r\nContent-Length: " in head:
            await call.reader.readexactly(int(head.split(b"Content-Length: ")[1][:1]))
        if b"\r\nTransfer-Encoding: " in head:
            await call.reader.readuntil(b"0\r\n\r\n")
        await call.say(says[next(numbers)])

    return talk


@pytest.mark.parametrize("case", HTTP1)
async def test_over_http1(case: str) -> None:
    expected, everything = HTTP1[case], Everything()
    tokens = FixedTokens(make_token())
    tokens.replacement = make_token("another")
    async with (
        raw_service(in_turn(expected.says)) as service,
        proxying(service.url, tokens=tokens, first=[everything]) as proxy,
    ):
        reader, writer = await proxy.connect()
        writer.write(expected.request)
        try:
            heard = await read_rest(reader)
        except ConnectionResetError:
            heard = b""
        writer.close()

    (story,) = everything.told
    assert list(expected.plot) == story.plot
    assert (expected.status, expected.content) == (story.exchange.status, story.request)
    assert expected.tries == len(story.sent) == story.exchange.attempts
    ((came, sent),) = story.heads
    assert expected.status == sent.status
    assert [expected.answer is None, expected.status] == [came is None, sent.status]
    if expected.answer is None:
        assert heard.endswith(b"\r\n\r\n" + story.answer)
        assert story.answer
    else:
        assert expected.answer == story.answer
    assert list(expected.trailers) == [line for _, _, line in story.trailers]
    assert not heard or b"\r\n".join(line for _, _, line in sent.headers) in heard


async def test_a_tunnel_is_told_as_bytes_both_ways() -> None:
    async def switch(call: Call) -> None:
        await call.read_head()
        await call.say(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nhello"
        )
        await call.say(await call.reader.readexactly(4))

    everything = Everything()
    async with raw_service(switch) as service, proxying(service.url, first=[everything]) as proxy:
        reader, writer = await proxy.connect()
        writer.write(get("/ws", "Connection: Upgrade", "Upgrade: x") + b"ab")
        await read_answer(reader)
        writer.write(b"cd")
        assert b"helloabcd" == await reader.readexactly(9)
        writer.close()
        await proxy.heard.wait_for(1)

    (story,) = everything.told
    assert [*BEGIN, *ANSWER] == story.plot[:5]
    assert "ended" == story.plot[-1]
    assert (b"abcd", b"helloabcd", "tunnel") == (
        story.request,
        story.answer,
        story.exchange.protocol,
    )
    assert 0 < story.exchange.first_byte_s < story.exchange.duration_s


async def test_http1_says_how_long_what_took() -> None:
    everything, tokens = Everything(), FixedTokens()
    async with (
        raw_service() as service,
        proxying(service.url, tokens=tokens, first=[everything]) as proxy,
    ):
        reader, writer = await proxy.connect()
        writer.write(get("/"))
        await tokens.asked.wait()
        tokens.arrives.set_result(make_token())
        await read_answer(reader)
        writer.write(get("/"))
        await read_answer(reader)
        writer.close()

    first, second = [story.exchange for story in everything.told]
    check_times(first, waited=True)
    check_times(second, waited=False)
    assert "HTTP/1.1" == first.protocol


async def test_what_is_sent_again_waits_by_itself() -> None:
    """The service takes its time to turn it down, and that is no wait for the connection."""
    turned_down = HTTP1["a try that was in vain, its content told once"].says
    everything, tokens, answers = Everything(), FixedTokens(make_token()), in_turn([OK, OK])
    tokens.replacement = make_token("another")

    async def talk(call: Call) -> None:
        if tokens.replacement is not None:
            await call.read_head()
            await asyncio.sleep(0.05)
            await call.say(turned_down[0])
        else:
            await answers(call)

    async with (
        raw_service(talk) as service,
        proxying(service.url, tokens=tokens, first=[everything]) as proxy,
    ):
        reader, writer = await proxy.connect()
        writer.write(get("/"))
        await read_answer(reader)
        writer.close()

    (story,) = everything.told
    assert story.exchange.times is not None
    waits = story.exchange.times.waits
    assert ["connection", "token", "connection"] == [wait.what for wait in waits]
    assert waits[1].began_s - waits[0].ended_s > 0.04
    assert all(0 < wait.began_s <= wait.ended_s <= story.exchange.sent_s for wait in waits)
    assert story.exchange.times.waited_s("connection") < story.exchange.sent_s - 0.04


def check_times(exchange: Exchange, *, waited: bool) -> None:
    times = exchange.times
    assert times is not None
    if waited:
        assert times.opening is not None
        token, connection = times.waits
        assert ("token", "connection") == (token.what, connection.what)
        assert 0 < token.began_s < token.ended_s < connection.began_s < connection.ended_s
        assert connection.ended_s <= exchange.sent_s
        opening = times.opening
        assert opening.began < opening.connected <= opening.ready
        assert opening.ready <= exchange.started + connection.ended_s
    else:
        assert ((), None) == (times.waits, times.opening)
    assert exchange.sent_s < exchange.first_byte_s < exchange.duration_s


# HTTP/2.


async def echo(call: Http2Call) -> None:
    await call.ended.wait()
    h2 = call.connection.h2
    h2.send_headers(call.stream_id, [(b":status", b"200"), (b"a", b"b")])
    if call.body:
        h2.send_data(call.stream_id, call.body, pad_length=3)
    h2.send_headers(call.stream_id, [(b"grpc-status", b"5")], end_stream=True)
    call.connection.flush()


async def only_trailers(call: Http2Call) -> None:
    call.answer(b"", (b"grpc-status", b"12"))


async def reset(call: Http2Call) -> None:
    call.connection.h2.reset_stream(call.stream_id, 7)
    call.connection.flush()


@dataclass(frozen=True, kw_only=True)
class Http2Case:
    handler: Handler = echo
    more: Sequence[tuple[bytes, bytes]] = ()
    frames: Sequence[bytes] = ()
    """After the call's head; none: it has no content."""
    plot: Sequence[str]
    status: int = 200
    content: bytes = b""
    answer: bytes | None = b""
    grpc_status: int | None = None
    fields: Sequence[bytes] = ()


HTTP2 = {
    "content both ways, padded, with trailers": Http2Case(
        frames=[frame(DATA, PADDED, 1, b"\x02abc\0\0"), frame(DATA, END_STREAM, 1, b"d")],
        plot=[*BODY, *ANSWER, "answer_piece", "answer_trailers", "ended"],
        content=b"abcd",
        answer=b"abcd",
        grpc_status=5,
        fields=[b"a: b"],
    ),
    "no content": Http2Case(
        plot=[*BEGIN, *ANSWER, "answer_trailers", "ended"], grpc_status=5, fields=[b"a: b"]
    ),
    "trailers only": Http2Case(
        handler=only_trailers,
        plot=[*BEGIN, *ANSWER, "ended"],
        grpc_status=12,
        fields=[b"grpc-status: 12"],
    ),
    "reset by the service": Http2Case(handler=reset, plot=[*BEGIN, "ended"], status=0),
    "refused": Http2Case(more=[(b"connection", b"x")], plot=REFUSED, status=400, answer=None),
}


@pytest.mark.parametrize("case", HTTP2)
async def test_over_http2(case: str) -> None:
    expected, everything = HTTP2[case], Everything()
    async with (
        http2_service(expected.handler) as service,
        proxying(service.url, first=[everything]) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, *expected.more, ended=not expected.frames)
        client.say(*expected.frames)
        answer = await client.answer(1)
        await proxy.heard.wait_for(1)

    (story,) = everything.told
    assert list(expected.plot) == story.plot
    assert (expected.status, expected.content) == (story.exchange.status, story.request)
    assert (expected.grpc_status, "HTTP/2") == (
        story.exchange.grpc_status,
        story.exchange.protocol,
    )
    if expected.answer is None:
        assert story.answer == answer.body != b""
        assert story.heads[0][0] is None
    else:
        assert expected.answer == story.answer
    for came, sent in story.heads:
        assert "2" == sent.version
        assert answer.fields[1:] == [(name, value) for name, value, _ in sent.headers]
        if came is not None:
            assert list(expected.fields) == [line for _, _, line in came.headers]


@pytest.mark.parametrize(
    ("handler", "expected"),
    [(echo, 5), (only_trailers, 12), (reset, None)],
    ids=["trailers", "trailers only", "reset"],
)
async def test_how_a_call_ended_is_known_though_nobody_asks_for_details(
    handler: Handler, expected: int | None
) -> None:
    async with (
        http2_service(handler) as service,
        proxying(service.url, hears_all=False) as proxy,
        http2_client(proxy) as client,
    ):
        for stream_id in (1, 3):  # new, and as it is remembered
            client.call(stream_id)
            await client.answer(stream_id)
        exchanges = await proxy.heard.wait_for(2)

    assert [expected] * 2 == [each.grpc_status for each in exchanges]


async def test_http2_says_how_long_what_took_and_what_was_sent() -> None:
    everything, tokens = Everything(), FixedTokens()
    async with (
        http2_service(ok) as service,
        proxying(service.url, tokens=tokens, api_key="k-1234", first=[everything]) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, (b"x-a", b"b"))
        await tokens.asked.wait()
        tokens.arrives.set_result(make_token())
        await client.answer(1)
        client.call(3)
        await client.answer(3)

    first, second = everything.told
    check_times(second.exchange, waited=False)
    times = first.exchange.times
    assert times is not None
    assert isinstance(times.opening, Opening)
    token, connection = times.waits
    assert ("token", "connection") == (token.what, connection.what)
    assert 0 < token.began_s < token.ended_s <= first.exchange.sent_s
    assert 0 == connection.began_s < connection.ended_s <= first.exchange.sent_s
    assert first.exchange.sent_s <= first.exchange.first_byte_s
    ((sent,), (again,)) = first.sent, second.sent
    told = [*((name, value) for name, value, _ in sent.fields if name != b"host")]
    got = [each for each in service.calls[0].fields if each[0][:1] != b":"]
    assert [*told, (b"authorization", f"Bearer {TOKEN_TEXT}".encode())] == got
    assert (b"host", service.authority, b"host: " + service.authority) == sent.fields[0]
    assert (True, False) == (sent.is_new, again.is_new)
    assert {b"x-api-key"} == sent.secret_names
    assert (b"authorization", TOKEN_TEXT) == (sent.token_name, sent.token.value.reveal())


async def test_a_call_that_its_client_resets_is_told_to_its_end() -> None:
    everything = Everything()
    async with (
        http2_service(ok) as service,
        proxying(service.url, first=[everything]) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, ended=False)
        await until(lambda: bool(service.calls))
        client.say(frame(DATA, 0, 1, b"abc"))
        await until(lambda: service.calls[0].body == b"abc")
        client.say(frame(RST_STREAM, 0, 1, bytes(4)))
        await proxy.heard.wait_for(1)

    (story,) = everything.told
    assert [*BEGIN, "request_piece", "ended"] == story.plot
    assert (b"abc", "client") == (story.request, story.exchange.aborted)


# What observers do.


@dataclass
class Traces:
    """Puts another header on each request."""

    names_to_send: frozenset[bytes] = frozenset([b"traceparent"])
    numbers: "count[int]" = field(default_factory=partial(count, 1))

    def fields_to_send(self, _exchange: Exchange) -> Sequence[tuple[bytes, bytes]]:
        return [(b"Traceparent", b"00-%032d-%016d-01" % (number := next(self.numbers), number))]

    def exchange_ended(self, exchange: Exchange) -> None:
        pass


def trace(number: int) -> bytes:
    return b"00-%032d-%016d-01" % (number, number)


async def test_a_header_of_its_own_for_each_request_over_http1() -> None:
    everything = Everything()
    async with (
        raw_service() as service,
        proxying(service.url, first=[Traces(), everything]) as proxy,
    ):
        reader, writer = await proxy.connect()
        for number in range(1, 4):
            writer.write(get("/", "X-A: b", f"traceparent: of-the-client-{number % 2}", "X_B: c"))
            await read_answer(reader)
        writer.close()

    for number, (head, story) in enumerate(zip(service.heads, everything.told, strict=True), 1):
        assert [b"Traceparent: " + trace(number)] == [
            line for line in head.split(b"\r\n") if b"trace" in line.lower()
        ]
        assert b"\r\nX-A: b\r\nX_B: c\r\n" in head
        assert (b"traceparent", trace(number), b"Traceparent: " + trace(number)) in story.sent[
            0
        ].fields


async def test_a_header_of_its_own_for_each_call_over_http2() -> None:
    everything = Everything()
    async with (
        http2_service(ok) as service,
        proxying(service.url, first=[Traces(), everything]) as proxy,
        http2_client(proxy) as client,
    ):
        for number in range(1, 6):
            client.call(2 * number - 1, (b"x-a", b"b"), (b"traceparent", b"%d" % (number % 2)))
            await client.answer(2 * number - 1)

    for number, (call, story) in enumerate(zip(service.calls, everything.told, strict=True), 1):
        assert [trace(number)] == [value for name, value in call.fields if name == b"traceparent"]
        assert (b"b", f"Bearer {TOKEN_TEXT}".encode()) == (
            call.get(b"x-a"),
            call.get(b"authorization"),
        )
        assert (b"traceparent", trace(number), b"traceparent: " + trace(number)) in story.sent[
            0
        ].fields


class Broken:
    """Fails whatever it is told."""

    wants_details = True
    names_to_send = frozenset([b"x-own"])

    def __getattr__(self, name: str) -> Any:
        def fail(_: Broken, *what: object) -> None:
            raise RuntimeError(name)

        if name.startswith("__") or name == "wants_times":
            raise AttributeError(name)
        return MethodType(fail, self)

    def exchange_ended(self, exchange: Exchange) -> None:
        raise RuntimeError("the end")


async def test_an_observer_that_fails_at_everything_is_no_matter(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with (
        raw_service(always(OK)) as service,
        http2_service(echo) as calls,
        proxying(service.url, first=[Broken()]) as proxy,
        proxying(calls.url, first=[Broken()]) as other,
        http2_client(other) as client,
    ):
        for _ in range(20):
            assert (await proxy.exchange(last())).endswith(b"ok")
        client.call(1, ended=False)
        client.say(frame(DATA, END_STREAM, 1, b"abc"))
        assert b"abc" in (await client.answer(1)).body
        await asyncio.gather(proxy.heard.wait_for(20), other.heard.wait_for(1))

    told = [record for record in caplog.records if "failed to record" in record.getMessage()]
    assert 2 == len(told)


def test_a_story_that_observers_must_not_hear_is_found() -> None:
    exchange = Exchange("run", 1, None, RequestHead(b"GET", b"/", "1.1", []))
    story = Story(exchange)
    story.add("begun")
    story.add("admitted")
    for event in ("begun", "answer_piece", "answer_head"):
        with pytest.raises(AssertionError, match=f"{event} after admitted"):
            story.add(event)
