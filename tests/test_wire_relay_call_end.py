"""An answer that the service breaks off ends in words where the client's protocol has them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.wire.relay.call_end import Messages
from tests.support.proxying import proxying
from tests.support.raw import Call, raw_service
from tests.support.talking import get, read_rest, was_cut

MESSAGE = b"\0\0\0\0\5hello"
GONE = "The service closed the connection before it answered. "


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def dechunked(data: bytes) -> tuple[bytes, bytes]:
    """The body, and the trailer section."""
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        if not int(size, 16):
            return body, data
        body += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]


async def broken_off(kind: str, *pieces: bytes, framing: bytes = b"") -> bytes | None:
    """What the client has got when the service leaves in the middle of its answer, if that is
    whole as HTTP; None when the client was cut off."""
    framing = framing or b"Transfer-Encoding: chunked\r\n"

    async def talk(call: Call) -> None:
        await call.read_head()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n%b\r\n"
        await call.say(head % (kind.encode(), framing) + b"".join(pieces))
        call.cut()

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(get("/", f"Content-Type: {kind}", "Content-Length: 0", method="POST"))
        try:
            answer = await read_rest(reader)
        except ConnectionResetError:
            return None
        finally:
            writer.close()
        (exchange,) = await proxy.heard.wait_for(1)
        assert ("service", "upstream_broke") == (exchange.aborted, exchange.code)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    return body


async def test_grpc_over_http_1_ends_with_trailers_wherever_it_stands() -> None:
    for pieces in ([], [chunk(MESSAGE)], [chunk(MESSAGE[:7])]):
        body, trailers = dechunked(await broken_off("application/grpc", *pieces) or b"")
        status, message, end = trailers.split(b"\r\n", 2)

        assert (b"".join(pieces) and body, b"grpc-status: 14", b"\r\n") == (body, status, end)
        assert message.startswith(f"grpc-message: {GONE}The request may".encode())


async def test_grpc_web_ends_with_its_frame_of_trailers() -> None:
    for pieces in ([], [chunk(MESSAGE)], [chunk(MESSAGE[:7]), chunk(MESSAGE[7:] + MESSAGE)]):
        body, trailers = dechunked(await broken_off("application/grpc-web", *pieces) or b"")
        frame = body[body.index(b"\x80") :]

        assert b"\r\n" == trailers
        assert len(frame) - 5 == int.from_bytes(frame[1:5], "big")
        assert frame[5:].startswith(f"grpc-status: 14\r\ngrpc-message: {GONE}".encode())


async def test_a_stream_of_connects_ends_with_an_error() -> None:
    body, _ = dechunked(await broken_off("application/connect+json", chunk(MESSAGE)) or b"")
    last = body.removeprefix(MESSAGE)
    error = json.loads(last[5:])["error"]

    assert (0x02, len(last) - 5) == (last[0], int.from_bytes(last[1:5], "big"))
    assert "unavailable" == error["code"]
    assert error["message"].startswith(GONE)


@pytest.mark.parametrize("end", [b"\x80\0\0\0\x0egrpc-status: 0", b"\x81\0\0\0\1x"])
async def test_a_call_that_has_had_its_status_gets_no_other(end: bytes) -> None:
    body = await broken_off("application/grpc-web", chunk(MESSAGE + end))

    assert chunk(MESSAGE + end) + b"0\r\n\r\n" == body


@pytest.mark.parametrize(
    ("kind", "pieces", "framing"),
    [
        ("application/grpc-web", [chunk(MESSAGE[:3])], b""),
        ("application/grpc-web", [chunk(MESSAGE + MESSAGE[:-1])], b""),
        ("application/connect+json", [chunk(MESSAGE[:7])], b""),
        ("application/grpc-web-text", [chunk(b"AAAA")], b""),
        ("application/grpc-web", [MESSAGE], b"Content-Length: 100\r\n"),
        ("application/grpc", [MESSAGE], b"Content-Length: 100\r\n"),
        ("application/json", [chunk(b"{")], b""),
    ],
)
async def test_where_that_cannot_be_said_the_client_is_cut_off(
    kind: str, pieces: list[bytes], framing: bytes
) -> None:
    assert await broken_off(kind, *pieces, framing=framing) is None


async def test_a_client_that_still_sends_hears_it_too() -> None:
    async def talk(call: Call) -> None:
        await call.read_head()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\n"
        await call.say(head + b"Transfer-Encoding: chunked\r\n\r\n")
        call.cut()

    async with raw_service(talk) as service, proxying(service.url) as proxy:
        reader, writer = await proxy.connect()
        writer.write(get("/", "Content-Type: application/grpc", "Content-Length: 9", method="POST"))
        answer = await read_rest(reader)
        assert not await was_cut(reader)
        writer.close()

    assert b"\r\n0\r\ngrpc-status: 14\r\n" in answer


@given(st.lists(st.binary(max_size=300), max_size=5), st.data())
def test_messages_are_counted_however_they_come(messages: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(b"\0" + len(each).to_bytes(4, "big") + each for each in messages)
    ends = {0}
    for message in messages:
        ends.add(max(ends) + 5 + len(message))
    counted, at = Messages(), 0
    while at < len(stream):
        step = data.draw(st.integers(1, len(stream) - at))
        counted.feed(stream[at : at + step])
        at += step

        assert (at in ends) == counted.is_between
    assert not counted.is_over
    assert "<Messages [0 bytes to come]>" == repr(counted)


def test_the_last_message_is_known_by_its_flag() -> None:
    for flags in (0x80, 0x81, 0x02, 0x03):
        counted = Messages()
        counted.feed(MESSAGE + bytes([flags]) + b"\0\0\0\0")

        assert counted.is_over
        assert counted.is_between
        assert "<Messages [over]>" == repr(counted)
