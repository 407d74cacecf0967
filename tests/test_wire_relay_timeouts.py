"""Each bound has its own 504, which says which one it was."""

import pytest

from authproxy.settings import TimeoutSettings
from authproxy.wire.relay.timeouts import find_overdue
from tests.support.proxying import proxying
from tests.support.raw import Call, raw_service
from tests.support.talking import GET, accepted, post, read_answer, until

UPLOAD = post(b"hello")[:-1]


@pytest.mark.parametrize(
    ("timeouts", "request_bytes", "sentence"),
    [
        pytest.param(
            TimeoutSettings(first_byte=30),
            GET,
            b"The service did not begin to answer within 30 seconds.",
            id="first byte",
        ),
        pytest.param(
            TimeoutSettings(stream_idle=20),
            UPLOAD,
            b"No data moved in either direction for 20 seconds.",
            id="idle",
        ),
        pytest.param(
            TimeoutSettings(total=10),
            GET,
            b"The exchange did not finish within 10 seconds.",
            id="total",
        ),
    ],
)
async def test_a_bound_that_is_passed_is_named(
    timeouts: TimeoutSettings, request_bytes: bytes, sentence: bytes
) -> None:
    async def silent(call: Call) -> None:
        await call.read_head()
        await call.reader.read(-1)

    async with raw_service(silent) as service, proxying(service.url, timeouts=timeouts) as proxy:
        reader, writer = await proxy.connect()
        writer.write(request_bytes)
        await until(lambda: bool(service.heads))
        proxy.server.tick(9)
        assert (await accepted(proxy)).in_flight == 1
        proxy.server.tick(25)
        head, body = await read_answer(reader)
        writer.close()

    assert head.startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")
    assert sentence in body


async def test_the_total_counts_although_something_moves() -> None:
    async def drip(call: Call) -> None:
        await call.read_head()
        await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
        await call.reader.read(-1)

    timeouts = TimeoutSettings(total=10)
    async with raw_service(drip) as service, proxying(service.url, timeouts=timeouts) as proxy:
        reader, writer = await proxy.connect()
        writer.write(GET)
        await reader.readuntil(b"\r\n\r\nx")
        proxy.server.tick(9)
        await service.calls[0].say(b"y")
        assert b"y" == await reader.readexactly(1)
        proxy.server.tick(2)
        with pytest.raises(ConnectionResetError):
            await reader.read(-1)
        writer.close()
        (exchange,) = await proxy.heard.wait_for(1)

    assert "The exchange did not finish within 10 seconds." == exchange.detail


async def test_a_service_may_have_bounds_of_its_own() -> None:
    async def silent(call: Call) -> None:
        await call.read_head()
        await call.reader.read(-1)

    all_the_others = TimeoutSettings(first_byte=30)
    async with (
        raw_service(silent) as service,
        proxying(service.url, timeouts=all_the_others) as proxy,
    ):
        route = proxy.listener.routes.get("localhost", None).find(b"/")
        assert route is not None
        route.service.timeouts = TimeoutSettings(first_byte=300)
        reader, writer = await proxy.connect()
        writer.write(GET)
        await until(lambda: bool(service.heads))
        proxy.server.tick(290)
        assert (await accepted(proxy)).in_flight == 1
        proxy.server.tick(20)
        head, body = await read_answer(reader)
        writer.close()

    assert head.startswith(b"HTTP/1.1 504 ")
    assert b"The service did not begin to answer within 300 seconds." in body


@pytest.mark.parametrize(
    ("age", "silent", "waits", "message"),
    [
        (5.0, 5.0, True, None),
        (50.0, 0.0, False, "The exchange did not finish within 40 seconds."),
        (20.0, 20.0, True, "The service did not begin to answer within 10 seconds."),
        (20.0, 20.0, False, None),
        (35.0, 35.0, False, "No data moved in either direction for 30 seconds."),
    ],
)
def test_an_error_says_which_bound_was_passed(
    age: float, silent: float, waits: bool, message: str | None
) -> None:
    timeouts = TimeoutSettings(total=40, first_byte=10, stream_idle=30)
    error = find_overdue(timeouts, age_s=age, silent_s=silent, waits_for_answer=waits)

    assert message == (None if error is None else error.message)
