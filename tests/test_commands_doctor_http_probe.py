import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from authproxy.commands.doctor.http_probe import MAX_ANSWER, Answer, ask, parse
from authproxy.errors import UpstreamError
from authproxy.values import parse_origin
from authproxy.wire.upstream.connector import Connector


@asynccontextmanager
async def service(
    answer: bytes, *, stays: bool = False
) -> AsyncIterator[tuple[Connector, bytearray]]:
    """Answers every request with `answer`; keeps the connection open if it `stays`."""
    heard = bytearray()
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        if stays:
            await over.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    origin = parse_origin(f"http://127.0.0.1:{port}")
    async with server:
        yield Connector(origin=origin, timeout_s=20, contexts=None), heard
        over.set()


async def test_a_get_goes_out_and_its_answer_comes_back() -> None:
    answer = b"HTTP/1.1 403 Forbidden\r\nServer: x\r\nContent-Length: 2\r\n\r\nno"
    async with service(answer) as (connector, heard):
        found = await ask(connector, b"Authorization: Bearer t\r\n")

    assert Answer(status=403, headers=(("Server", "x"), ("Content-Length", "2")), body=b"no") == (
        found
    )
    assert (
        f"GET / HTTP/1.1\r\nHost: {connector.origin.authority}\r\nUser-Agent: authproxy-doctor\r\n"
        "Accept: */*\r\nConnection: close\r\nAuthorization: Bearer t\r\n\r\n"
    ) == heard.decode()


async def test_a_service_below_a_path_is_asked_there() -> None:
    async with service(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (connector, heard):
        deep = replace(connector, origin=replace(connector.origin, path="/apps/billing"))
        await ask(deep, b"")

    assert heard.startswith(b"GET /apps/billing/ HTTP/1.1\r\n")


async def test_an_answer_without_end_is_cut() -> None:
    answer = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (2 * MAX_ANSWER)
    async with service(answer, stays=True) as (connector, _):
        found = await ask(connector, b"")

    assert (200, True) == (found.status, len(found.body) > 0)


async def test_a_service_that_says_nothing_is_not_waited_for() -> None:
    async with service(b"", stays=True) as (connector, _):
        with pytest.raises(UpstreamError) as caught:
            await ask(connector, b"", answer_s=0)

    assert (
        f"The service {connector.origin} did not begin to answer within 0 seconds."
        == caught.value.message
    )


async def test_a_service_that_is_not_there_is_said_as_everywhere() -> None:
    connector = Connector(origin=parse_origin("http://127.0.0.1:9"), timeout_s=20, contexts=None)
    with pytest.raises(UpstreamError, match=r"^http://127\.0\.0\.1:9 cannot be reached\.$"):
        await ask(connector, b"")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "The service https://a closed the connection without an answer."),
        (b"SSH-2.0-OpenSSH\r\n", "The service https://a sent something that is not HTTP/1.1."),
        (b"HTTP/1.1 abc\r\n\r\n", "The service https://a sent something that is not HTTP/1.1."),
    ],
)
def test_what_is_no_answer_is_said(data: bytes, expected: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        parse(data, "https://a")

    assert expected == caught.value.message


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", b"abc"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n9\r\nde", b"abc"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b""),
        (b"HTTP/1.1 200 OK\r\n\r\nabc", b"abc"),
    ],
)
def test_an_answer_may_be_cut_off(data: bytes, expected: bytes) -> None:
    found = parse(data, "https://a")

    assert 200 == found.status
    assert found.body.startswith(expected)
