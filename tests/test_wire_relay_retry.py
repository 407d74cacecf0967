"""What is sent once more: with another token, or while Google has no instance of the service."""

import asyncio
import json

import pytest

from authproxy.errors import Code, CredentialError
from authproxy.exchange import Token
from authproxy.settings import TimeoutSettings
from authproxy.wire.relay.relay import Relay
from authproxy.wire.relay.replay_buffer import REPLAY_BYTES
from authproxy.wire.relay.retry import CONNECT_TRIES
from tests.support.behind import free_port
from tests.support.proxying import FixedTokens, make_token, proxying
from tests.support.raw import OK, Call, always, raw_service
from tests.support.talking import GET, accepted, get, post, read_answer, until

PAGE = b"<html><title>Rate exceeded.</title></html>"


def front_end(status: bytes, *lines: bytes) -> bytes:
    fields = (
        b"Content-Type: text/html; charset=UTF-8",
        b"Server: Google Frontend",
        b"Content-Length: %d" % len(PAGE),
        *lines,
    )
    return b"HTTP/1.1 %b\r\n%b\r\n\r\n%b" % (status, b"\r\n".join(fields), PAGE)


BUSY = front_end(b"429 Too Many Requests")
GONE = front_end(b"503 Service Unavailable")
REJECTED = (
    b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\nWWW-Authenticate: Bearer "
    b'error="invalid_token" error_description="The access token could not be verified"\r\n\r\nnope'
)


async def read_body(call: Call, head: bytes) -> bytes:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return await call.reader.readexactly(int(line.partition(b":")[2]))
    return b""


async def asked(
    request: bytes,
    *answers: bytes,
    tokens: FixedTokens | None = None,
    scale_up: float = 5.0,
) -> tuple[bytes, list[bytes]]:
    """What the client gets of a service that gives these answers in turn, and what it heard."""
    left, heard = list(answers), []

    async def talk(call: Call) -> None:
        while head := await call.read_head():
            heard.append(head.partition(b" ")[0] + b" " + await read_body(call, head))
            await call.say(left.pop(0))

    timeouts = TimeoutSettings(scale_up=scale_up)
    async with (
        raw_service(talk) as service,
        proxying(service.url, timeouts=timeouts, tokens=tokens) as proxy,
    ):
        reader, writer = await proxy.connect()
        writer.write(request)
        answer = b"".join(await read_answer(reader))
        writer.close()
    assert [] == left
    return answer, heard


async def test_a_request_goes_out_again_until_google_has_an_instance() -> None:
    answer, heard = await asked(GET, BUSY, GONE, OK)

    assert (OK, [b"GET "] * 3) == (answer, heard)


async def test_the_body_goes_out_again_with_its_request() -> None:
    request = get("/", "Content-Length: 5", method="PUT") + b"hello"

    assert (OK, [b"PUT hello"] * 2) == await asked(request, BUSY, OK)


async def test_a_chunked_body_goes_out_again_with_its_trailers() -> None:
    heard: list[bytes] = []

    async def talk(call: Call) -> None:
        while await call.read_head():
            heard.append(await call.reader.readuntil(b"0\r\nX-Sum: 1\r\n\r\n"))
            await call.say(BUSY if len(heard) == 1 else OK)

    request = get("/", "Transfer-Encoding: chunked", method="PUT")
    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(request + b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n")
        assert OK == b"".join(await read_answer(reader))
        writer.close()

    assert [b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"] * 2 == heard


@pytest.mark.parametrize(
    ("request_bytes", "answer"),
    [
        pytest.param(post(b"hello"), BUSY, id="not idempotent"),
        pytest.param(get("/", method="FOO"), BUSY, id="unknown method"),
        pytest.param(
            get("/", f"Content-Length: {REPLAY_BYTES + 1}", method="PUT") + bytes(REPLAY_BYTES + 1),
            BUSY,
            id="large body",
        ),
        pytest.param(
            GET, front_end(b"429 Too Many Requests", b"Retry-After: 1"), id="says when to come"
        ),
        pytest.param(GET, BUSY.replace(b"text/html", b"text/plain"), id="the application's own"),
        pytest.param(GET, BUSY.replace(b"Google", b"Gogle"), id="another server"),
        pytest.param(GET, front_end(b"500 Internal Server Error"), id="another status"),
    ],
)
async def test_what_may_have_an_effect_or_is_no_word_of_googles_is_passed_on(
    request_bytes: bytes, answer: bytes
) -> None:
    received, heard = await asked(request_bytes, answer)

    assert (answer, 1) == (received, len(heard))


async def test_trying_has_an_end() -> None:
    assert (BUSY, [b"GET "]) == await asked(GET, BUSY, scale_up=0)


async def test_a_client_that_leaves_while_we_wait_is_not_asked_for_again() -> None:
    async with raw_service(always(BUSY)) as service, proxying(service.url) as proxy:
        _, writer = await proxy.connect()
        writer.write(GET)
        await until(lambda: bool(service.heads) and not proxy.pool.status().open)
        writer.close()
        (exchange,) = await proxy.heard.wait_for(1)
        await until(lambda: len(proxy.server.tasks) == 0)

    assert ("client", 1) == (exchange.aborted, len(service.heads))


async def test_a_request_with_a_small_body_gets_another_token() -> None:
    tokens = FixedTokens(make_token("old"))
    tokens.replacement = make_token("new")

    answer, heard = await asked(post(b"hello"), REJECTED, OK, tokens=tokens)
    assert (OK, [b"POST hello"] * 2) == (answer, heard)


async def test_a_request_with_a_large_body_does_not_but_the_next_one_has_it() -> None:
    tokens = FixedTokens(make_token("old"))
    tokens.replacement = make_token("new")

    answer, heard = await asked(post(bytes(REPLAY_BYTES + 1)), REJECTED, tokens=tokens)
    assert (REJECTED, 1, "new") == (
        answer,
        len(heard),
        tokens.token and tokens.token.value.reveal(),
    )


LENGTH, CHUNKED = "Content-Length: 6", "Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("framing", "begun", "rest"),
    [
        pytest.param(LENGTH, b"", b"abcdef", id="before the body"),
        pytest.param(LENGTH, b"abc", b"def", id="within the body"),
        pytest.param(CHUNKED, b"", b"6\r\nabcdef\r\n0\r\n\r\n", id="before its chunks"),
        pytest.param(CHUNKED, b"3\r\nabc\r\n", b"3\r\ndef\r\n0\r\n\r\n", id="between them"),
    ],
)
@pytest.mark.parametrize(
    ("method", "refusal"),
    [("POST", REJECTED), ("PUT", BUSY), ("PUT", b"")],
    ids=["another token", "an instance", "another connection"],
)
@pytest.mark.parametrize("is_congested", [False, True])
async def test_what_comes_after_an_early_refusal_follows_what_is_sent_again(
    framing: str, begun: bytes, rest: bytes, method: str, refusal: bytes, is_congested: bool
) -> None:
    gives_up, heard = asyncio.Event(), list[bytes]()

    async def talk(call: Call) -> None:
        head = await call.read_head()
        if head.startswith(b"GET"):  # and the connection is kept, for what is asked next
            await call.say(OK)
            head = await call.read_head()
        if not gives_up.is_set():
            if begun:
                await call.reader.readuntil(b"abc")
            await gives_up.wait()
            await call.say(refusal)
            call.cut()
            return
        is_chunked = b"chunked" in head
        end = await (
            call.reader.readuntil(b"0\r\n\r\n") if is_chunked else call.reader.readexactly(6)
        )
        heard.append(end)
        await call.say(OK)

    tokens = FixedTokens(make_token("old"))
    tokens.replacement = make_token("new")
    async with raw_service(talk) as service, proxying(service.url, tokens=tokens) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        assert OK == b"".join(await read_answer(reader))
        writer.write(get("/", framing, method=method) + begun)
        await until(lambda: len(service.heads) == 2)
        relay = (await accepted(proxy)).pipeline.current
        assert isinstance(relay, Relay)
        if is_congested:
            assert relay.service is not None
            relay.service.pause_writing()
        gives_up.set()
        await until(lambda: len(service.heads) == 3)
        writer.write(rest)
        assert OK == b"".join(await read_answer(reader))
        writer.close()

    (body,) = heard
    assert b"abcdef" == b"".join(body.split(b"\r\n")[1:-3:2] if b"\r\n" in body else [body])


async def test_who_waits_to_be_told_to_go_on_is_told_by_the_second_answer() -> None:
    async def talk(call: Call) -> None:
        head = await call.read_head()
        if b"Bearer old" in head:
            await call.say(REJECTED)
            return
        await call.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert b"hello" == await call.reader.readexactly(5)
        await call.say(OK)

    tokens = FixedTokens(make_token("old"))
    tokens.replacement = make_token("new")
    async with raw_service(talk) as service, proxying(service.url, tokens=tokens) as proxy:
        reader, writer = await proxy.connect()
        writer.write(get("/", "Content-Length: 5", "Expect: 100-continue", method="POST"))
        assert b"HTTP/1.1 100 Continue\r\n\r\n" == (await read_answer(reader))[0]
        writer.write(b"hello")
        assert OK == b"".join(await read_answer(reader))
        writer.close()


async def test_an_mcp_client_is_told_by_its_id_when_there_is_no_other_token() -> None:
    call = b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"x"}}'

    class Ending(FixedTokens):
        def reject(self, token: Token) -> bool:
            self.token = None
            return True

        async def get(self) -> Token:
            raise CredentialError("no identity token for https://a: it is gone")

    async def talk(call: Call) -> None:
        await call.read_head()
        await call.say(REJECTED)

    tokens = Ending(make_token("old"))
    async with raw_service(talk) as service, proxying(service.url, tokens=tokens) as proxy:
        reader, writer = await proxy.connect()
        accepts = "Accept: application/json, text/event-stream"
        fields = ("Content-Type: application/json", accepts, f"Content-Length: {len(call)}")
        writer.write(get("/mcp", *fields, method="POST"))
        pipeline = (await accepted(proxy)).pipeline
        await until(lambda: getattr(pipeline.current, "unsaid", None) is not None)
        writer.write(call)
        _, body = await read_answer(reader)
        writer.close()

    told = json.loads(body)
    assert (7, True) == (told["id"], "it is gone" in told["error"]["message"])


async def test_a_service_that_is_just_starting_is_waited_for() -> None:
    port = free_port()
    async with proxying(f"http://127.0.0.1:{port}") as proxy:
        reader, writer = await proxy.connect()
        writer.write(post(b"hello"))
        await until(lambda: len(proxy.server.tasks) > 0)

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"hello")
            writer.write(OK)
            writer.close()

        async with await asyncio.start_server(talk, "127.0.0.1", port):
            assert OK == b"".join(await read_answer(reader))
        writer.close()


async def test_a_service_that_is_down_is_tried_a_few_times() -> None:
    async with proxying(f"http://127.0.0.1:{free_port()}") as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        await until(lambda: proxy.heard.ids == [] and len(proxy.server.tasks) > 0)
        head, _ = await read_answer(reader)
        writer.close()
        (exchange,) = await proxy.heard.wait_for(1)

    assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert (Code.CONNECT_FAILED, 0, 3) == (exchange.code, exchange.attempts, CONNECT_TRIES)
