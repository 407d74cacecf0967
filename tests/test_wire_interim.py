"""Interim answers: they are counted for each request, over both protocols."""

import asyncio
import contextlib

import pytest

from authproxy.errors import Code, UpstreamError
from authproxy.wire.http2.framing.frames import RST_STREAM, Failure
from authproxy.wire.interim import MAX_INTERIM, MAX_INTERIM_BYTES, InterimCount
from tests.support.http2 import Call as Http2Call
from tests.support.http2 import http2_client, http2_service
from tests.support.proxying import proxying
from tests.support.raw import OK, Call, raw_service
from tests.support.talking import GET, LAST_GET, read_answer

HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
INTERIM = {
    "hints": HINTS,
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n",
    "processing": b"HTTP/1.1 102 Processing\r\n\r\n",
    "unknown": b"HTTP/1.1 199 X\r\n\r\n",
    "large": b"HTTP/1.1 103 Early Hints\r\nLink: <%b>\r\n\r\n" % (b"a" * 60_000),
}


def test_the_bounds_are_per_request() -> None:
    count = InterimCount()
    for request_id in ("one", "two"):
        for _ in range(MAX_INTERIM):
            count.add(request_id, 1)

    with pytest.raises(UpstreamError, match=r"The service sent 1,001 interim answers \(1xx\) and"):
        count.add("two", 1)
    with pytest.raises(UpstreamError):
        count.add("three", MAX_INTERIM_BYTES + 1)


@pytest.mark.parametrize("interim", INTERIM.values(), ids=INTERIM)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_interim_answers_without_end_are_a_502(interim: bytes, version: str) -> None:
    cut = asyncio.Event()

    async def talk(call: Call) -> None:
        await call.read_head()
        with contextlib.suppress(ConnectionError):
            while True:
                await call.say(interim * 10)
                await asyncio.sleep(0)
        cut.set()

    request = LAST_GET.replace(b"HTTP/1.1", f"HTTP/{version}".encode())
    async with raw_service(talk) as service, proxying(service.url) as proxy:
        received = await proxy.exchange(request)
        (exchange,) = await proxy.heard.wait_for(1)
        async with asyncio.timeout(10):
            await cut.wait()

    final = received[received.index(b"HTTP/1.1 502 Bad Gateway\r\n") :]
    assert b"The service sent" in final
    assert b"interim answers (1xx) and no final one." in final
    assert (Code.UPSTREAM_BROKE, 502) == (exchange.code, exchange.status)
    assert (b"1xx" if version == "1.0" else interim) in received


async def test_as_many_as_are_allowed_pass_for_each_request_of_a_connection() -> None:
    async def talk(call: Call) -> None:
        while await call.read_head():
            await call.say(HINTS * MAX_INTERIM + OK)

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        for _ in range(2):
            writer.write(GET)
            async with asyncio.timeout(20):
                expected = HINTS * MAX_INTERIM
                assert expected == await reader.readexactly(len(expected))
            assert OK == b"".join(await read_answer(reader))
        writer.close()


@pytest.mark.parametrize("status", [b"100", b"102", b"103"])
async def test_over_http2_the_call_is_refused_and_the_connection_goes_on(status: bytes) -> None:
    async def hint(call: Http2Call) -> None:
        if call.stream_id > 1:
            call.answer()
            return
        while call.reset is None:
            call.connection.h2.send_headers(call.stream_id, [(b":status", status)])
            call.connection.flush()
            await asyncio.sleep(0)

    async with (
        http2_service(hint) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        answer = await client.answer(1)
        client.call(3)
        second = await client.answer(3)
        first, _ = await proxy.heard.wait_for(2)
        (call, _) = service.calls

    assert (b":status", b"502") in answer.trailers
    assert MAX_INTERIM == answer.trailers.index((b":status", b"502")) + 1
    assert b"interim answers (1xx) and no final one." in answer.body
    assert (b"200", b"ok") == (second.get(b":status"), second.body)
    assert Code.UPSTREAM_BROKE == first.code
    assert Failure.CANCEL == call.reset
    assert RST_STREAM not in {found.kind for found in client.seen}
