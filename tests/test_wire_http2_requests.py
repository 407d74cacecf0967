"""What hostile and hasty clients send: floods, bombs, games with tables, streams and windows."""

import asyncio
import contextlib

import hpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authproxy.settings import LimitSettings
from authproxy.wire.http2.framing.flood_guard import MAX_CONTROLS, MAX_RESETS
from authproxy.wire.http2.framing.frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HAS_PRIORITY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    PUSH_PROMISE,
    SETTINGS,
    WINDOW_UPDATE,
    Failure,
    block_frames,
    frame,
    rst_stream,
    window_update,
)
from tests.support.http2 import Call, Client, call_of, http2_client, http2_service
from tests.support.proxying import TOKEN_TEXT, proxying
from tests.support.talking import until

CALL = hpack.Encoder().encode(call_of())
LIMITS = LimitSettings(head_bytes=8192, headers=20, target_bytes=300)


def opened(stream_id: int, *, flags: int = END_HEADERS | END_STREAM) -> bytes:
    return frame(HEADERS, flags, stream_id, CALL)


@pytest.mark.parametrize(
    ("said", "failure", "reason"),
    [
        (opened(2), Failure.PROTOCOL_ERROR, b"a stream that no client can open"),
        (
            frame(PUSH_PROMISE, END_HEADERS, 1, bytes(4) + CALL),
            Failure.PROTOCOL_ERROR,
            b"a stream that no client can open",
        ),
        (frame(DATA, 0, 1, b"x"), Failure.PROTOCOL_ERROR, b"a frame on a stream that is not open"),
        (frame(DATA, 0, 0, b"x"), Failure.PROTOCOL_ERROR, b"a frame on a stream that is not open"),
        (
            rst_stream(5, Failure.CANCEL),
            Failure.PROTOCOL_ERROR,
            b"a frame on a stream that is not open",
        ),
        (window_update(5, 1), Failure.PROTOCOL_ERROR, b"a frame on a stream that is not open"),
        (
            frame(SETTINGS, ACK, 0) * 3,
            Failure.PROTOCOL_ERROR,
            b"an acknowledgement of settings that were not sent",
        ),
        (
            frame(HEADERS, END_HEADERS, 1, b"\xbe"),
            Failure.COMPRESSION_ERROR,
            b"a header block is not valid",
        ),
        (
            frame(HEADERS, 0, 1, CALL) + frame(CONTINUATION, 0, 1) * 100,
            Failure.ENHANCE_YOUR_CALM,
            b"a header block is too large",
        ),
        (
            frame(HEADERS, 0, 1, bytes(9000)) + frame(CONTINUATION, 0, 1, bytes(9000)),
            Failure.ENHANCE_YOUR_CALM,
            b"a header block is too large",
        ),
        (
            frame(PING, 0, 0, bytes(8)) * (MAX_CONTROLS + 1),
            Failure.ENHANCE_YOUR_CALM,
            b"too many control frames",
        ),
        (
            frame(SETTINGS, 0, 0) * (MAX_CONTROLS + 1),
            Failure.ENHANCE_YOUR_CALM,
            b"too many control frames",
        ),
        (
            opened(1) + frame(PRIORITY, 0, 1, bytes(5)) * (MAX_CONTROLS + 1),
            Failure.ENHANCE_YOUR_CALM,
            b"too many control frames",
        ),
        (
            opened(1, flags=END_HEADERS) + frame(DATA, 0, 1) * (MAX_CONTROLS + 1),
            Failure.ENHANCE_YOUR_CALM,
            b"too many control frames",
        ),
        (
            frame(HEADERS, END_HEADERS, 1, b"\x3f\xe2\xff\x03" + CALL),
            Failure.COMPRESSION_ERROR,
            b"a header block is not valid",
        ),
    ],
)
async def test_breach_of_the_protocol_ends_the_connection(
    said: bytes, failure: Failure, reason: bytes
) -> None:
    async with (
        http2_service() as service,
        proxying(service.url, limits=LIMITS) as proxy,
        http2_client(proxy) as client,
    ):
        client.say(said)
        goodbye = await client.goodbye()

    assert (failure, reason) == goodbye[1:]


async def test_rapid_reset_ends_the_connection() -> None:
    async def stay(call: Call) -> None:
        await call.ended.wait()

    async with (
        http2_service(stay) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.say(
            *(opened(n) + rst_stream(n, Failure.CANCEL) for n in range(1, 2 * MAX_RESETS + 5, 2))
        )
        goodbye = await client.goodbye()
        exchanges = await proxy.heard.wait_for(MAX_RESETS + 1)

    assert (Failure.ENHANCE_YOUR_CALM, b"too many calls were cancelled") == goodbye[1:]
    assert {"client"} == {exchange.aborted for exchange in exchanges}


async def test_bomb_ends_the_connection_and_reaches_nobody() -> None:
    async with (
        http2_service() as service,
        proxying(service.url, limits=LIMITS) as proxy,
        http2_client(proxy) as client,
    ):
        bomb = b"\x40\x01a\x7f\xa1\x1e" + b"x" * 4000 + b"\xbe" * 500
        client.say(frame(HEADERS, END_HEADERS | END_STREAM, 1, bomb))
        goodbye = await client.goodbye()

    assert Failure.COMPRESSION_ERROR == goodbye[1]
    assert [] == service.calls


@pytest.mark.parametrize(
    ("more", "path", "status", "code"),
    [
        ([(b"x-%d" % n, b"") for n in range(30)], b"/", b"431", b"head_too_large"),
        ([(b"x-1", b"v" * 5000), (b"x-2", b"v" * 3300)], b"/", b"431", b"head_too_large"),
        ([(b"x-1", b"v" * 6000), (b"x-2", b"v" * 6000)], b"/", b"431", b"head_too_large"),
        ([], b"/" + b"p" * 400, b"414", b"target_too_long"),
        ([(b"X-Upper", b"1")], b"/", b"400", b"bad_request"),
        ([], b"/admin#x", b"400", b"bad_request"),
        ([], b"*", b"400", b"bad_request"),
        ([], b"http://localhost/", b"400", b"bad_request"),
        ([(b"connection", b"close")], b"/", b"400", b"bad_request"),
        ([(b":path", b"/again")], b"/", b"400", b"bad_request"),
    ],
)
async def test_request_that_may_not_be_is_refused_and_the_connection_goes_on(
    more: list[tuple[bytes, bytes]], path: bytes, status: bytes, code: bytes
) -> None:
    async with (
        http2_service() as service,
        proxying(service.url, limits=LIMITS) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1, *more, path=path)
        refused = await client.answer(1)
        client.call(3)
        answer = await client.answer(3)

    assert (status, code) == (refused.get(b":status"), refused.get(b"x-authproxy-error"))
    assert b"ok" == answer.body
    assert [3] == [call.stream_id for call in service.calls]


@pytest.mark.parametrize("method", [b"CONNECT", b"TRACE", b"connect", b"Trace"])
async def test_connect_and_trace_are_refused(method: bytes) -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        fields = [(b":method", method), *call_of()[1:]]
        client.say(client.headers(1, fields))
        answer = await client.answer(1)

    assert b"405" == answer.get(b":status")
    assert [] == service.calls


async def test_options_that_may_go_no_further_is_answered_here() -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        fields = [(b":method", b"OPTIONS"), *call_of((b"max-forwards", b"0"))[1:]]
        client.say(client.headers(1, fields))
        answer = await client.answer(1)

    assert b"200" == answer.get(b":status")
    assert [] == service.calls


async def test_refused_stream_is_forgotten_by_nobody_but_the_service() -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        await client.answer(1)
        client.say(client.headers(3, call_of(host=b"evil.example"), ended=False))
        refused = await client.answer(3)
        client.say(
            window_update(3, 10),
            frame(PRIORITY, 0, 3, bytes(5)),
            frame(DATA, 0, 3, b"late"),
            client.headers(3, [(b"x-trailer", b"1")]),
            rst_stream(3, Failure.CANCEL),
        )
        client.call(5)
        answer = await client.answer(5)
        reset = await client.frame_of(WINDOW_UPDATE) if not has_update(client) else None

    assert b"421" == refused.get(b":status")
    assert b"ok" == answer.body
    assert None is reset
    assert [1, 5] == [call.stream_id for call in service.calls]


def has_update(client: Client) -> bool:
    return any(f.kind == WINDOW_UPDATE and f.payload == b"\0\0\0\x04" for f in client.seen)


async def test_window_that_our_own_answer_used_is_not_given_to_the_service() -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.say(client.headers(1, call_of(host=b"evil.example")))
        refused = await client.answer(1)
        client.call(3)
        await client.answer(3)
        client.say(window_update(0, len(refused.body)), window_update(0, 50))
        client.call(5)
        await client.answer(5)
        increments = [
            event.delta  # type: ignore[attr-defined]  # -- a WindowUpdated
            for event in service.connections[0].events
            if type(event).__name__ == "WindowUpdated"
        ]

    assert [50] == increments


async def test_service_that_wants_no_table_gets_none_and_clients_must_follow() -> None:
    async with (
        http2_service(settings={1: 0}) as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        await client.answer(1)
        client.encoder.header_table_size = 0
        client.call(3)
        await client.answer(3)
        client.call(5)
        await client.answer(5)
        assert 3 == len(service.calls)
        assert service.calls[1].fields == service.calls[2].fields
        client.say(frame(HEADERS, END_HEADERS | END_STREAM, 7, b"\x3f\xe1\x1f" + CALL))
        goodbye = await client.goodbye()

    assert Failure.COMPRESSION_ERROR == goodbye[1]


async def test_block_repeated_after_the_table_changed_is_read_anew() -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        for at, value in enumerate([b"1", b"1", b"2", b"1", b"2"]):
            client.call(2 * at + 1, (b"x-value", value))
            await client.answer(2 * at + 1)

    assert [b"1", b"1", b"2", b"1", b"2"] == [call.get(b"x-value") for call in service.calls]


async def test_large_head_goes_on_in_continuations() -> None:
    more = [(b"x-%d" % n, b"v" * 4000) for n in range(10)]
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        block = client.encoder.encode(call_of(*more), huffman=False)
        client.say(block_frames(block, flags=END_STREAM, stream_id=1, max_frame=1000))
        answer = await client.answer(1)

    assert b"ok" == answer.body
    assert more == [field for field in service.calls[0].fields if field[0][:2] == b"x-"][:10]


async def test_priority_of_a_call_passes_and_padding_does_not() -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        payload = b"\x07" + b"\0\0\0\0\x0f" + CALL + bytes(7)
        flags = END_HEADERS | END_STREAM | PADDED | HAS_PRIORITY | 0xC2
        client.say(frame(HEADERS, flags, 1, payload))
        answer = await client.answer(1)
        events = service.connections[0].events
        weights = [event.weight for event in events if type(event).__name__ == "PriorityUpdated"]  # type: ignore[attr-defined]  # -- it has one

    assert b"ok" == answer.body
    assert [16] == weights


async def test_frames_of_unknown_kinds_are_dropped() -> None:
    async with (
        http2_service() as service,
        proxying(service.url) as proxy,
        http2_client(proxy) as client,
    ):
        client.call(1)
        await client.answer(1)
        client.say(frame(0xF0, 0, 0, b"experiment"))
        client.call(3)
        await client.answer(3)
        names = [type(event).__name__ for event in service.connections[0].events]

    assert "UnknownFrameReceived" not in names


FRAMES = st.builds(
    frame,
    st.integers(0, 12),
    st.integers(0, 255),
    st.sampled_from([0, 1, 2, 3, 5, 7]),
    st.one_of(
        st.binary(max_size=40),
        st.just(CALL),
        st.just(CALL + b"\x40\x01a\x01b"),
        st.just(bytes(4)),
        st.just(bytes(8)),
    ),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.one_of(FRAMES, st.binary(max_size=30), st.just(opened(1)), st.just(opened(3)))),
    st.integers(1, 60),
)
async def test_any_frames_in_any_split_leave_the_proxy_standing(
    frames: list[bytes], size: int
) -> None:
    failed: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: failed.append(context))
    said = b"".join(frames)
    async with http2_service() as service, proxying(service.url) as proxy:
        async with http2_client(proxy) as client:
            for at in range(0, len(said), size):
                client.say(said[at : at + size])
                await asyncio.sleep(0)
            client.writer.write_eof()
            with contextlib.suppress(ConnectionError):
                await client.rest()
        async with http2_client(proxy) as other:
            other.call(1)
            answer = await other.answer(1)
        await until(lambda: not proxy.server.connections)
    loop.set_exception_handler(None)

    assert b"ok" == answer.body
    assert [] == failed
    tokens = {call.get(b"authorization") for call in service.calls}
    assert tokens <= {f"Bearer {TOKEN_TEXT}".encode()}


def test_preface_is_what_rfc_9113_says() -> None:
    assert b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" == PREFACE


PAGES = {
    "typed": ([(b"sec-fetch-site", b"none")], b"200"),
    "fetched ahead": ([(b"sec-fetch-site", b"none"), (b"sec-purpose", b"prefetch")], b"403"),
    "ahead, by our page": (
        [(b"sec-purpose", b"prefetch"), (b"referer", b"http://localhost/")],
        b"200",
    ),
    "ahead, by its page": (
        [(b"purpose", b"prefetch"), (b"referer", b"http://evil.example/")],
        b"403",
    ),
    "no origin": ([(b"origin", b"null"), (b"sec-fetch-site", b"cross-site")], b"403"),
    "own form": ([(b"origin", b"null"), (b"sec-fetch-site", b"same-origin")], b"200"),
}


async def test_calls_of_other_sites_are_refused() -> None:
    """As in HTTP/1.1, which the same proxy is asked by as well."""
    async with http2_service() as service, proxying(service.url) as proxy:
        for name, (fields, expected) in PAGES.items():
            async with http2_client(proxy) as client:
                client.call(1, *fields)
                assert expected == (await client.answer(1)).get(b":status"), name
            lines = b"".join(b"%b: %b\r\n" % field for field in fields)
            head = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%b\r\n" % lines
            said = await proxy.exchange(head)
            assert (expected == b"403") is said.startswith(b"HTTP/1.1 403 "), name
