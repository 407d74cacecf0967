"""How long an answer of ours waits for the request that it is about, over HTTP/1.1."""

import asyncio
import json

import pytest

from authproxy.demo import pages
from authproxy.errors import CredentialError
from authproxy.exchange import RequestHead, make_field
from authproxy.policy.mcp.jsonrpc import RpcBody
from authproxy.wire.mcp.refusing import asked_in
from tests.support.proxying import FixedTokens, proxying
from tests.support.raw import OK, Call, raw_service
from tests.support.talking import get, read_answer, until

BOTH = "Accept: application/json, text/event-stream"
CALL = b'{"jsonrpc":"2.0","id":7,"method":"tools/call"}'
HEAD = get("/", BOTH, f"Content-Length: {len(CALL)}", method="POST")
CHUNKED = get("/", BOTH, "Transfer-Encoding: chunked", method="POST")


def no_token() -> FixedTokens:
    tokens = FixedTokens()
    tokens.arrives.set_exception(CredentialError("No token can be had."))
    return tokens


def id_of(body: bytes) -> object:
    return json.loads(body)["id"]


async def test_it_waits_for_the_rest_and_the_connection_goes_on() -> None:
    async with raw_service() as service, proxying(service.url, tokens=no_token()) as proxy:
        reader, writer = await proxy.connect()
        for _ in range(2):
            writer.write(HEAD)
            await until(lambda: proxy.tokens.asked.is_set())
            proxy.tokens.asked.clear()
            for byte in CALL:
                writer.write(bytes([byte]))
                await asyncio.sleep(0)
            head, body = await read_answer(reader)

            assert (b"HTTP/1.1 200 OK", 7) == (head.partition(b"\r\n")[0], id_of(body))
        proxy.tokens.arrives = asyncio.get_running_loop().create_future()
        writer.close()

    assert [] == service.heads


async def test_it_waits_for_chunks_too() -> None:
    async with raw_service() as service, proxying(service.url, tokens=no_token()) as proxy:
        reader, writer = await proxy.connect()
        writer.write(CHUNKED)
        await until(lambda: proxy.tokens.asked.is_set())
        writer.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(CALL), CALL))
        _, body = await read_answer(reader)

        assert 7 == id_of(body)
        writer.close()


async def test_a_client_that_sends_no_more_hears_it_without_its_id() -> None:
    async with raw_service() as service, proxying(service.url, tokens=no_token()) as proxy:
        reader, writer = await proxy.connect()
        writer.write(HEAD + CALL[:5])
        await until(lambda: proxy.tokens.asked.is_set())
        await asyncio.sleep(0)
        proxy.server.tick(5.1)
        head, body = await read_answer(reader)

        assert (b"HTTP/1.1 503", None) == (head[:12], id_of(body))
        assert b"\r\nConnection: close\r\n" in head
        writer.close()


async def test_nor_is_one_waited_for_that_drips() -> None:
    async with raw_service() as service, proxying(service.url, tokens=no_token()) as proxy:
        reader, writer = await proxy.connect()
        writer.write(HEAD)
        await until(lambda: proxy.tokens.asked.is_set())
        await asyncio.sleep(0)
        for byte in CALL[:3]:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.01)  # a packet of its own: nothing is waited for
            proxy.server.tick(2.0)
        head, body = await read_answer(reader)

        assert (b"HTTP/1.1 503", None) == (head[:12], id_of(body))
        writer.close()


@pytest.mark.parametrize(
    ("request_", "more"),
    [
        (get("/", BOTH, "Content-Length: 70000", method="POST"), b""),
        (get("/", BOTH, "Content-Length: 9", "Expect: 100-continue", method="POST"), b""),
        (CHUNKED, b"11800\r\n" + b"x" * 0x11800),
    ],
    ids=["a large one", "one that expects to be told to go on", "what becomes too large"],
)
async def test_it_does_not_wait_for(request_: bytes, more: bytes) -> None:
    async with raw_service() as service, proxying(service.url, tokens=no_token()) as proxy:
        reader, writer = await proxy.connect()
        writer.write(request_)
        await until(lambda: proxy.tokens.asked.is_set())
        writer.write(more)
        head, body = await read_answer(reader)

        assert (b"HTTP/1.1 503", None) == (head[:12], id_of(body))
        writer.close()


async def test_a_client_that_leaves_meanwhile_is_told_nothing() -> None:
    async with raw_service() as service, proxying(service.url, tokens=no_token()) as proxy:
        _, writer = await proxy.connect()
        writer.write(HEAD)
        await until(lambda: proxy.tokens.asked.is_set())
        writer.transport.abort()
        (exchange,) = await proxy.heard.wait_for(1)

    assert ("client", 0) == (exchange.aborted, exchange.status)


async def test_there_is_no_time_to_wait_when_authproxy_ends() -> None:
    async with raw_service() as service, proxying(service.url, tokens=no_token()) as proxy:
        reader, writer = await proxy.connect()
        writer.write(HEAD)
        await until(lambda: proxy.tokens.asked.is_set())
        await asyncio.sleep(0)
        await proxy.server.shutdown(0)
        head, body = await read_answer(reader)

        assert (b"HTTP/1.1 503", None) == (head[:12], id_of(body))
        writer.close()


PAGE = pages.no_instance(503).body.encode()
BUSY = (
    b"HTTP/1.1 503 X\r\nServer: Google Frontend\r\nContent-Type: text/html; charset=UTF-8\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(PAGE), PAGE)
)


@pytest.mark.parametrize(
    ("method", "again"),
    [("server/discover", True), ("tools/list", True), ("tools/call", False), ("initialize", False)],
)
async def test_what_changes_nothing_is_sent_again_while_an_instance_starts(
    method: str, again: bool
) -> None:
    body = b'{"jsonrpc":"2.0","id":7,"method":"%b"}' % method.encode()

    answers = iter([BUSY, OK])

    async def talk(call: Call) -> None:
        while await call.read_head():
            assert body == await call.reader.readexactly(len(body))
            await call.say(next(answers))

    request = get("/", BOTH, f"Content-Length: {len(body)}", "Mcp-Name: x", method="POST") + body
    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(request)
        head, said = await read_answer(reader)
        writer.close()

    assert (2 if again else 1) == len(service.heads)
    assert all(b"\r\nMcp-Name: x\r\n" in head for head in service.heads)
    if again:
        assert (b"HTTP/1.1 200", b"ok") == (head[:12], said)
    else:
        assert (b"HTTP/1.1 200", 7) == (head[:12], id_of(said))


def test_a_body_that_is_too_large_or_a_batch_of_no_version_has_no_ids() -> None:
    version = make_field(b"mcp-protocol-version", b"2025-06-18")
    head = RequestHead(b"POST", b"/", "1.1", [version])

    assert RpcBody() == asked_in(head, [b"x" * 65_537])
    assert RpcBody() == asked_in(head, [b"[", CALL, b"]"])
    assert None is asked_in(head, [b"x"])
    assert ("7",) == (asked_in(head, [CALL[:9], CALL[9:]]) or RpcBody()).ids
