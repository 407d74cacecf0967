"""What a client sends, taken apart: split anywhere, too large, too slow, or not HTTP at all."""

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authproxy.errors import Code, Refused
from authproxy.exchange import Field, RequestHead
from authproxy.policy.messages.facts import RequestFacts
from authproxy.settings import LimitSettings, TimeoutSettings
from authproxy.wire.http1.request_reader import MAX_AHEAD, RequestReader
from tests.support.proxying import proxying
from tests.support.raw import OK, Call, raw_service
from tests.support.talking import (
    GET,
    LAST_GET,
    accepted,
    get,
    post,
    read_answer,
    read_rest,
    until,
)

CHUNKED = get("/", "Transfer-Encoding: chunked", method="POST")
HANDSHAKE = get("/ws", "Connection: Upgrade", "Upgrade: websocket")
OLD_HANDSHAKE = get("/", "Connection: Upgrade", "Upgrade: h2c")


async def echo(call: Call) -> None:
    """Answer each request with its head's first line and its body."""
    while head := await call.read_head():
        body = b""
        if b"\r\nTransfer-Encoding: chunked\r\n" in head:
            while size := int(await call.reader.readline(), 16):
                body += await call.reader.readexactly(size)
                await call.reader.readexactly(2)
            while await call.reader.readline() != b"\r\n":
                pass
        elif b"\r\nContent-Length: " in head:
            length = head.partition(b"\r\nContent-Length: ")[2].partition(b"\r\n")[0]
            body = await call.reader.readexactly(int(length))
        said = head.partition(b"\r\n")[0] + b"|" + body
        await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(said), said))


REQUESTS = (
    post(b"hello"),
    CHUNKED + b"3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n",
    OLD_HANDSHAKE,
    get("/upload", "Connection: Upgrade", "Upgrade: x", "Content-Length: 3", method="PUT") + b"xyz",
    get("/last", "Connection: close"),
)
SAID = (
    b"POST / HTTP/1.1|hello",
    b"POST / HTTP/1.1|abcde",
    b"GET / HTTP/1.1|",
    b"PUT /upload HTTP/1.1|xyz",
    b"GET /last HTTP/1.1|",
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.sets(st.integers(1, len(b"".join(REQUESTS)) - 1), max_size=30))
async def test_requests_may_come_in_any_pieces(cuts: set[int]) -> None:
    data = b"".join(REQUESTS)
    edges = [0, *sorted(cuts), len(data)]
    async with raw_service(echo) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        for begin, end in itertools.pairwise(edges):
            writer.write(data[begin:end])
            await writer.drain()
            await asyncio.sleep(0)
        heard = [(await read_answer(reader))[1] for _ in REQUESTS]
        assert await read_rest(reader) == b""
        writer.close()

    assert tuple(heard) == SAID


async def test_a_request_may_come_byte_by_byte() -> None:
    async with raw_service(echo) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        server_side = await accepted(proxy)
        for at in range(len(REQUESTS[1])):
            server_side.data_received(REQUESTS[1][at : at + 1])
        assert await read_answer(reader) == (
            b"HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n",
            SAID[1],
        )
        writer.close()


MALFORMED = {
    "bad method": b"FO(O / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no method": b" / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no target": b"GET  HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a space in the target": b"GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a tab after the method": b"GET\t/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: localhost\r\n\r\n",
    "HTTP in lower case": b"GET / http/1.1\r\nHost: localhost\r\n\r\n",
    "half of a preface": b"PRI * HTTP/2.0\r\n\r\nXX",
    "length and chunked": get(
        "/", "Content-Length: 5", "Transfer-Encoding: chunked", method="POST"
    ),
    "chunked and length": get(
        "/", "Transfer-Encoding: chunked", "Content-Length: 5", method="POST"
    ),
    "two lengths": get("/", "Content-Length: 5", "Content-Length: 5", method="POST"),
    "two lengths that differ": get("/", "Content-Length: 5", "Content-Length: 6", method="POST"),
    "a list of lengths": get("/", "Content-Length: 5, 5", method="POST"),
    "a signed length": get("/", "Content-Length: +5", method="POST"),
    "a length beyond 64 bits": get("/", "Content-Length: 99999999999999999999", method="POST"),
    "folded line": get("/", "X: a\r\n b"),
    "bare LF in the head": b"GET / HTTP/1.1\nHost: localhost\n\n",
    "bare LF after a field": get("/", "X: a\nContent-Length: 5"),
    "bare CR": get("/", "X: a\rb"),
    "NUL": get("/", "X: a\0b"),
    "space before the colon": get("/", "Content-Length : 5", method="POST"),
    "space before the first field": b"GET / HTTP/1.1\r\n Host: localhost\r\n\r\n",
    "no name": get("/", ": a"),
    "a coding that is not chunked": get("/", "Transfer-Encoding: gzip", method="POST"),
    "a coding before chunked": get("/", "Transfer-Encoding: gzip, chunked", method="POST"),
    "a coding after chunked": get("/", "Transfer-Encoding: chunked, gzip", method="POST"),
    "chunked twice": get(
        "/", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", method="POST"
    ),
    "a vertical tab before chunked": get("/", "Transfer-Encoding:\vchunked", method="POST"),
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": get("/", "Host: localhost"),
    "HTTP/0.9": b"GET /\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED)
async def test_malformed_request_is_refused_and_nothing_behind_it_is_read(
    request_bytes: bytes,
) -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        answer = await proxy.exchange(request_bytes + b"5\r\nhello\r\n0\r\n\r\n" + GET)
        (exchange,) = await proxy.heard.wait_for(1)

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert 1 == answer.count(b"X-Authproxy-Error: ")
    assert b"Connection: close\r\n" in answer
    assert Code.BAD_REQUEST == exchange.code
    assert [] == service.heads


BROKEN_BODIES = {
    "size": b"zz\r\n",
    "negative size": b"-1\r\n",
    "size and space": b"5 \r\nhello\r\n",
    "size with prefix": b"0x5\r\nhello\r\n",
    "bare LF after the size": b"5\nhello\r\n",
    "bare LF in an extension": b"5;a\nb\r\nhello\r\n",
    "overflow": b"ffffffffffffffffff\r\n",
    "longer than said": b"5\r\nhello!\r\n",
    "trailer with a bare LF": b"0\r\nX: y\nZ: a\r\n\r\n",
}


@pytest.mark.parametrize("body", BROKEN_BODIES.values(), ids=BROKEN_BODIES)
async def test_broken_body_is_refused_and_the_service_cannot_take_it_for_whole(body: bytes) -> None:
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def talk(call: Call) -> None:
        await call.read_head()
        try:
            heard.put_nowait(await call.reader.read(-1))
        except ConnectionResetError:
            heard.put_nowait(b"")

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(CHUNKED + b"2\r\nok\r\n")
        await until(lambda: len(service.heads) == 1)
        writer.write(body + GET)
        answer = await read_rest(reader)
        writer.close()
        (exchange,) = await proxy.heard.wait_for(1)
        got = await heard.get()

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"The body of the request is not valid HTTP/1.1." in answer
    assert Code.BAD_REQUEST == exchange.code
    assert not got.endswith(b"0\r\n\r\n")


async def test_broken_body_of_a_request_sent_ahead_waits_for_its_turn() -> None:
    go = asyncio.Event()

    async def talk(call: Call) -> None:
        await call.read_head()
        await go.wait()
        await call.say(OK)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET + CHUNKED + b"zz\r\n")
        await until(lambda: len(service.heads) == 1)
        go.set()
        first = await read_answer(reader)
        second = await read_answer(reader)
        writer.close()

    assert OK == b"".join(first)
    assert second[0].startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert 1 == len(service.heads)


async def test_answers_before_a_malformed_request_come_first() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        answer = await proxy.exchange(GET + GET + b"FO(O / HTTP/1.1\r\n\r\n")

    assert answer.startswith(OK + OK + b"HTTP/1.1 400 Bad Request\r\n")


SMALL = LimitSettings(head_bytes=1024, target_bytes=256, headers=8)


@pytest.mark.parametrize(
    "request_bytes",
    [get("/", f"X: {'a' * 1024}"), get("/", *(f"X-{n}: a" for n in range(8)))],
    ids=["bytes", "fields"],
)
async def test_head_too_large_is_refused(request_bytes: bytes) -> None:
    async with raw_service() as service, proxying(service.url, limits=SMALL) as proxy:
        answer = await proxy.exchange(request_bytes)

    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert [] == service.heads


async def test_target_too_long_is_refused() -> None:
    async with raw_service() as service, proxying(service.url, limits=SMALL) as proxy:
        answer = await proxy.exchange(get("/" + "a" * 256))

    assert answer.startswith(b"HTTP/1.1 414 ")
    assert [] == service.heads


CALL = b"POST %b HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/grpc-web\r\n%b"


@pytest.mark.parametrize(
    "request_bytes",
    [
        CALL % (b"/", b"X: " + b"a" * 1024 + b"\r\n\r\n"),
        CALL % (b"/", b"X: a\r\n" * 8 + b"\r\n"),
        CALL % (b"/" + b"a" * 256, b"\r\n"),
        CALL % (b"/" + b"a" * 512, b"\r\n"),
        CALL % (b"/", b"not a field\r\nX: " + b"a" * 1024),
    ],
    ids=["bytes", "fields", "target", "first line", "without end"],
)
async def test_a_call_that_is_too_large_is_told_so_in_its_tongue(request_bytes: bytes) -> None:
    async with raw_service() as service, proxying(service.url, limits=SMALL) as proxy:
        answer = await proxy.exchange(request_bytes)

    assert answer.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web\r\n")
    assert b"grpc-status: " in answer
    assert [] == service.heads


@pytest.mark.parametrize(
    ("start", "status"),
    [(b"GET / HTTP/1.1\r\nX: ", b"431"), (b"GET /", b"414")],
    ids=["field", "target"],
)
async def test_head_that_never_ends_is_refused_and_the_client_reads_why(
    start: bytes, status: bytes
) -> None:
    async with raw_service() as service, proxying(service.url, limits=SMALL) as proxy:
        reader, writer = await proxy.connect()
        writer.write(start)
        for _ in range(64):
            writer.write(b"a" * 4096)
        answer = await read_rest(reader)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 %b " % status)


async def test_head_that_drips_is_refused_at_the_limit() -> None:
    async with raw_service() as service, proxying(service.url, limits=SMALL) as proxy:
        reader, writer = await proxy.connect()
        connection = await accepted(proxy)
        connection.data_received(b"GET / HTTP/1.1\r\n")
        sent = 0
        while not proxy.server.status().begun:
            connection.data_received(b"X")
            sent += 1
        answer = await read_rest(reader)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert SMALL.head_bytes + 1 == len(b"GET / HTTP/1.1\r\n") + sent


async def test_many_small_requests_in_one_large_read_are_not_one_large_head() -> None:
    count = 300
    async with raw_service() as service, proxying(service.url, limits=SMALL) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET * count + GET[:-2])
        for _ in range(count):
            assert OK == b"".join(await read_answer(reader))
        writer.write(GET[-2:])
        assert OK == b"".join(await read_answer(reader))
        writer.close()


@pytest.mark.parametrize("piece", [b"a" * 4096, b"X: a\r\n" * 512], ids=["one without end", "many"])
async def test_trailers_without_end_are_refused(piece: bytes) -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        await call.reader.read(-1)

    async with raw_service(talk) as service, proxying(service.url, limits=SMALL) as proxy:
        reader, writer = await proxy.connect()
        writer.write(CHUNKED + b"0\r\n")
        await until(lambda: len(service.heads) == 1)
        for _ in range(200):
            writer.write(piece)
        answer = await read_rest(reader)
        writer.close()
        (exchange,) = await proxy.heard.wait_for(1)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert "the trailers are too large" == exchange.detail


async def test_large_body_is_no_large_head() -> None:
    body = bytes(1_000_000)
    async with raw_service(echo) as service, proxying(service.url, limits=SMALL) as proxy:
        reader, writer = await proxy.connect()
        upgrading = get("/", "Connection: Upgrade", "Upgrade: x", f"Content-Length: {len(body)}")
        for request in (post(body), upgrading + body, post(b"") + GET):
            writer.write(request)
            _, said = await read_answer(reader)
            assert said.endswith(b"|") or said.endswith(body)
        writer.close()


async def test_slow_head_is_refused_after_its_time() -> None:
    timeouts = TimeoutSettings(head=30)
    async with raw_service() as service, proxying(service.url, timeouts=timeouts) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        assert OK == b"".join(await read_answer(reader))
        connection = await accepted(proxy)
        writer.write(b"GET / HTTP")
        await until(lambda: "in a head" in repr(connection))
        proxy.server.tick(20)
        writer.write(GET[10:])
        assert OK == b"".join(await read_answer(reader))
        writer.write(b"GET / HTTP")
        await until(lambda: "in a head" in repr(connection))
        proxy.server.tick(20)
        assert "<ClientConnection 127.0.0.1 [in a head, 0 queued]>" == repr(connection)
        proxy.server.tick(11)
        answer = await read_rest(reader)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"The request's head did not arrive within 30 seconds." in answer


@pytest.mark.parametrize(
    "request_bytes", [OLD_HANDSHAKE, b"CONNECT a:1 HTTP/1.1\r\nHost: localhost\r\n\r\n"]
)
async def test_upgrades_that_are_not_passed_on_do_not_recurse(request_bytes: bytes) -> None:
    count = 2000
    async with raw_service() as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(request_bytes * count)
        heads = [(await read_answer(reader))[0] for _ in range(count)]
        writer.close()

    assert 1 == len({head.partition(b"\r\n")[0] for head in heads})


async def test_connect_is_refused() -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        answer = await proxy.exchange(
            b"CONNECT service:443 HTTP/1.1\r\nHost: service:443\r\n\r\n" + LAST_GET
        )

    assert answer.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")
    assert b"X-Authproxy-Error: connect_not_supported\r\n" in answer
    assert answer.endswith(b"ok")
    assert 1 == len(service.heads)


async def test_failure_inside_the_reader_ends_the_connection_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with raw_service() as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        await accepted(proxy)
        proxy.listener.routes = None  # type: ignore[assignment]  # -- what a defect would look like
        writer.write(GET)
        assert b"" == await read_rest(reader)
        writer.close()

    assert "a request could not be handled" in caplog.text


OTHER = b"(other)\r\n\r\n"


class Body:
    """Hears one request's body, and writes down what it hears."""

    keep_alive = is_open = True

    def __init__(self, told: list[tuple[object, ...]]) -> None:
        self._told = told
        self._data = b""

    def from_client(self, data: bytes) -> None:
        self._data += data

    def client_done(self, trailers: list[Field]) -> None:
        self._told.append(("done", self._data, [value for _, value, _ in trailers]))

    def client_broke(self, reason: str) -> None:
        self._told.append(("broke", self._data, reason))


class Heard:
    """A receiver of requests, without a socket."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.facts: list[RequestFacts] = []
        self.reader: RequestReader | None = None

    def request(self, head: RequestHead, facts: RequestFacts, has_body: bool) -> Body:
        self.told.append((head.method, head.target))
        self.facts.append(facts)
        return Body(self.told)

    def bad_request(self, head: RequestHead, refusal: Refused) -> None:
        self.told.append((head.method, refusal.code))

    def await_switch(self) -> None:
        assert self.reader is not None
        self.told.append(("switch", self.reader.take_ahead()))

    def takes_over(self, data: bytes) -> bool | None:
        if len(data) < len(OTHER) and OTHER.startswith(data):
            return None
        if data.startswith(OTHER):
            self.told.append(("other", data))
            return True
        return False


STREAM = (
    GET + post(b"hello") + CHUNKED + b"3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n" + LAST_GET
)


def heard_of(*pieces: bytes) -> Heard:
    heard = Heard()
    reader = heard.reader = RequestReader(heard, LimitSettings())
    for piece in pieces:
        reader.feed(piece)
    return heard


def test_requests_are_the_same_however_they_are_split() -> None:
    expected = [
        (b"GET", b"/"),
        (b"POST", b"/"),
        ("done", b"hello", []),
        (b"POST", b"/"),
        ("done", b"abcde", [b"1"]),
        (b"GET", b"/"),
    ]
    assert expected == heard_of(*(STREAM[at : at + 1] for at in range(len(STREAM)))).told
    for cut in range(len(STREAM) + 1):
        assert expected == heard_of(STREAM[:cut], STREAM[cut:]).told


def test_behind_the_last_request_nothing_is_looked_at() -> None:
    assert [(b"GET", b"/")] == heard_of(LAST_GET + GET, GET).told


def test_the_same_fields_have_the_same_facts() -> None:
    one, two = heard_of(GET, GET).facts

    assert one is two


@pytest.mark.parametrize(
    ("field", "same"), [("traceparent: %d", True), ("X-Request-Id: %d", True), ("Range: %d", False)]
)
def test_fields_of_traces_leave_the_facts_as_they_are(field: str, same: bool) -> None:
    one, two = heard_of(*(get("/", "X-A: b", field % number) for number in (1, 2))).facts

    assert same is (one is two)


class Keeping(Heard):
    """One that keeps the heads."""

    def __init__(self) -> None:
        super().__init__()
        self.heads: list[RequestHead] = []

    def request(self, head: RequestHead, facts: RequestFacts, has_body: bool) -> Body:
        self.heads.append(head)
        return super().request(head, facts, has_body)


def test_a_request_that_repeats_is_given_again_and_one_that_only_begins_like_it_is_read() -> None:
    heard = Keeping()
    reader = heard.reader = RequestReader(heard, LimitSettings())
    for data in (GET, GET, GET[:-2] + b"A: b\r\n\r\n", GET, GET[:20], GET[20:], post(b"hello") * 2):
        reader.feed(data)

    first, again, other, third, in_pieces, posted, posted_again = heard.heads
    assert first is again
    assert len(first.headers) + 1 == len(other.headers)
    assert first.headers == third.headers == in_pieces.headers
    assert posted is posted_again
    assert 2 == heard.told.count(("done", b"hello", []))


def test_bad_chunks_end_the_connection() -> None:
    assert [(b"POST", b"/"), ("broke", b"abc")] == [
        told[:2] for told in heard_of(CHUNKED + b"3\r\nabc\r\nzz\r\n", GET).told
    ]


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        ((OTHER[:4], OTHER[4:]), [("other", OTHER)]),
        ((b"(others", GET), [(b"-", Code.BAD_REQUEST)]),
        ((b"GET /#a HTTP/1.1\r\n", b"\r\n"), [(b"GET", Code.BAD_REQUEST)]),
        ((b"GET /" + b"a" * 100_000,), [(b"GET", Code.TARGET_TOO_LONG)]),
        ((HANDSHAKE + b"raw",), [(b"GET", b"/ws"), ("switch", b"raw")]),
    ],
)
def test_what_is_no_request(pieces: tuple[bytes, ...], told: list[tuple[object, ...]]) -> None:
    assert told == heard_of(*pieces).told[: len(told)]


def test_no_more_is_looked_at_while_too_many_wait() -> None:
    heard = Heard()
    reader = RequestReader(heard, LimitSettings())
    reader.waiting = MAX_AHEAD
    reader.feed(GET)
    reader.feed(GET)
    assert [] == heard.told
    reader.go_on()

    assert 2 == len(heard.told)


class Counted(bytes):
    """Bytes that count how many of them are copied out."""

    copied = 0

    def __getitem__(self, key: Any) -> Any:
        piece = super().__getitem__(key)
        if not isinstance(piece, bytes):
            return piece
        Counted.copied += len(piece)
        return Counted(piece)


class Queueing(Heard):
    """All but the first request wait."""

    def request(self, head: RequestHead, facts: RequestFacts, has_body: bool) -> Body:
        assert self.reader is not None
        self.reader.waiting += 1
        return super().request(head, facts, has_body)


@pytest.mark.parametrize(
    "request_bytes",
    [GET, post(b"hello"), CHUNKED + b"3\r\nabc\r\n0\r\n\r\n"],
    ids=["without a body", "with a length", "in chunks"],
)
def test_each_byte_of_many_requests_sent_ahead_is_copied_a_few_times_only(
    request_bytes: bytes,
) -> None:
    count = 2000
    data, heard = Counted(request_bytes * count), Queueing()
    reader = heard.reader = RequestReader(heard, LimitSettings())
    Counted.copied = 0
    reader.feed(data)
    while len(heard.facts) < count:
        reader.go_on()

    assert Counted.copied < 4 * len(data)


def test_bytes_of_another_protocol_are_kept_until_it_is_known_which_it_is() -> None:
    heard = Heard()
    reader = RequestReader(heard, LimitSettings())
    heard.await_switch = lambda: None  # type: ignore[method-assign]  # -- they are not taken yet
    reader.feed(HANDSHAKE + GET[:5])
    reader.feed(GET[5:])
    reader.go_on()
    assert [(b"GET", b"/ws")] == heard.told
    reader.stay()

    assert [(b"GET", b"/ws"), (b"GET", b"/")] == heard.told
