import asyncio
import gzip
import json
from typing import Any

from tests.support.recorded import Story, ok, recorded
from tests.test_inspector_bodies_websocket_frames import frame

SECRET = b"s3cr3t-of-a-test"


def shown(kept: Any) -> Any:
    assert kept is not None
    return kept.shown()


async def test_bodies_of_both_directions_are_kept_without_secrets() -> None:
    packed = gzip.compress(json.dumps({"access_token": SECRET.decode(), "n": 1}).encode())
    lines = (b"Content-Type: application/json", b"Content-Encoding: gzip")
    async with recorded(lambda *_: ok(packed, *lines)) as stage:
        body = b"password=" + SECRET + b"&n=1"
        await stage.proxy.exchange(
            b"POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\nContent-Length: %d\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n\r\n%b"
            % (stage.proxy.port, len(body), body)
        )
        content = stage.newest.content
    assert content is not None

    up, down = shown(content.request), shown(content.answer)

    assert ("form", "json") == (up["form"], down["form"])
    assert up["text"].startswith("password=[redacted:")
    assert json.loads(down["text"])["n"] == 1
    assert SECRET.decode() not in up["text"] + down["text"]


async def test_messages_of_a_websocket_are_kept_both_ways_while_it_lasts() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
            + frame(b"welcome")
        )
        writer.write(await reader.readexactly(len(frame(b"hello", mask=b"abcd"))))
        await reader.read()
        writer.close()

    from authproxy.inspector.assembly import build_recording
    from tests.support.proxying import proxying

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    recording = build_recording(memory=2**25, body_bytes=2**16, with_content=["service"])
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, proxying(url, first=recording.observers) as proxy:
        reader, writer = await proxy.connect()
        writer.write(
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
            % proxy.port
            + frame(b"hello", mask=b"abcd")
        )
        await reader.readuntil(frame(b"welcome"))
        await reader.readexactly(len(frame(b"hello", mask=b"abcd")))
        record = next(recording.store.newest_first())
        assert record.content is not None
        found = shown(record.content.sockets)
        live = record.is_live
        writer.close()
        await proxy.heard.wait_for(1)

    assert live
    assert [("received", "welcome"), ("sent", "hello"), ("received", "hello")] == sorted(
        ((each["direction"], each["text"]) for each in found["messages"]),
        key=lambda each: (each[1] == "hello", each[0] == "received"),
    )


def test_nothing_is_kept_of_services_where_it_is_not_switched_on() -> None:
    story = Story(with_content=["another"])
    exchange = story.begin(("Content-Type", "text/plain"))
    story.recorder.request_piece(exchange, b"text")
    story.answer(exchange, ("Content-Type", "text/plain"))
    story.recorder.answer_piece(exchange, b"text")

    assert story.end(exchange).content is None


def test_what_cannot_be_searched_is_described() -> None:
    story = Story(with_content=["billing"])
    exchange = story.begin(("Content-Type", "multipart/form-data; boundary=b"))
    story.recorder.request_piece(exchange, SECRET)
    story.answer(exchange, ("Content-Type", "application/grpc"))
    story.recorder.answer_piece(exchange, b"\0\0\0\0\x02hi")
    content = story.end(exchange).content
    assert content is not None

    assert ("none", "grpc") == (shown(content.request)["form"], shown(content.answer)["form"])
    assert SECRET.decode() not in str(shown(content.request))
    assert story.recording.observers[0].__class__.__name__ in repr(story.recording.observers[0])
