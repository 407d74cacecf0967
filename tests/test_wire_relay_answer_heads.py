"""The heads of answers: framed as the client understands, and closed when it must be."""

import pytest

from authproxy.settings import TimeoutSettings
from tests.support.proxying import proxying
from tests.support.raw import Call, always, raw_service
from tests.support.talking import get

EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"


async def talk(call: Call) -> None:
    await call.read_head()
    await call.say(EARLY + ENDLESS)
    call.writer.close()


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (
            "1.1",
            EARLY + b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            b"5\r\nhello\r\n0\r\n\r\n",
        ),
        ("1.0", b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello"),
    ],
)
async def test_an_answer_without_a_length_is_framed_as_its_client_knows_it(
    version: str, expected: bytes
) -> None:
    request = get("/", "Connection: close").replace(b"HTTP/1.1", b"HTTP/%b" % version.encode())
    async with raw_service(talk) as service, proxying(service.url) as proxy:
        answer = await proxy.exchange(request)

    assert sorted(expected.split(b"\r\n")) == sorted(answer.split(b"\r\n"))


async def test_while_authproxy_ends_each_answer_is_the_last() -> None:
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    async with (
        raw_service(always(ok)) as service,
        proxying(service.url, timeouts=TimeoutSettings()) as proxy,
    ):
        proxy.server.draining = True
        passed = await proxy.exchange(get("/"))
        own = await proxy.exchange(get("/", host="evil.example"))

    assert b"\r\nConnection: close\r\n" in passed
    assert b"\r\nConnection: close\r\n" in own


async def test_a_head_that_repeats_is_written_for_each_client_as_it_needs_it() -> None:
    said = b"HTTP/1.1 200 OK\r\nX-Number: 1\r\nContent-Length: 2\r\n\r\nhi"
    last, old = get("/", "Connection: close"), get("/", "Connection: keep-alive")
    async with raw_service(always(said)) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        for request in (get("/"), get("/"), old.replace(b"HTTP/1.1", b"HTTP/1.0"), get("/"), last):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"hi" == await reader.readexactly(2)
            added = b""
            if b"HTTP/1.0" in request:
                added = b"Connection: keep-alive\r\n"
            elif request is last:
                added = b"Connection: close\r\n"
            assert said[:-4] + added + b"\r\n" == head
        writer.close()


async def test_an_address_in_a_head_that_repeats_is_said_as_each_client_knows_it() -> None:
    async def lead(call: Call) -> None:
        while await call.read_head():
            to = service.url.encode()
            await call.say(
                b"HTTP/1.1 302 Found\r\nLocation: %b/a\r\nContent-Length: 0\r\n\r\n" % to
            )

    async with raw_service(lead) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        for host in ("localhost:1", "localhost:1", "127.0.0.1:2"):
            writer.write(get("/", host=host))
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"\r\nLocation: http://%b/a\r\n" % host.encode() in head
        writer.close()
