import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from authproxy.errors import Refused, UpstreamError
from authproxy.inspector.assembly import Recording, build_recording
from authproxy.inspector.recording.record import Record
from authproxy.inspector.replay import (
    Replayer,
    ReplayListener,
    ReplayRequest,
    http2_fields,
    request_of,
)
from authproxy.inspector.views.snippets import missing
from authproxy.tasks import Tasks
from authproxy.wire.http2.framing.frames import DATA, END_STREAM, frame
from tests.support.http2 import Client, Pair, Service, http2_client, http2_service, ok
from tests.support.proxying import RunningProxy, proxying
from tests.support.recorded import MEBIBYTE

GRPC = (b"content-type", b"application/grpc"), (b"te", b"trailers")


@asynccontextmanager
async def recorded_calls() -> AsyncIterator[tuple[RunningProxy, Recording, Client, Service]]:
    recording = build_recording(
        memory=32 * MEBIBYTE, body_bytes=4 * MEBIBYTE, with_content=["service"]
    )
    async with (
        http2_service(ok) as service,
        proxying(service.url, first=recording.observers) as proxy,
        http2_client(proxy) as client,
    ):
        yield proxy, recording, client, service


async def posted(client: Client, recording: Recording, body: bytes, *fields: Pair) -> Record:
    head = [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", b"/a.B/C?b=1"),
        (b":authority", b"localhost"),
        *fields,
    ]
    client.say(client.headers(1, head, ended=False), frame(DATA, END_STREAM, 1, body))
    await client.answer(1)
    return next(recording.store.newest_first())


async def replayed(
    proxy: RunningProxy, recording: Recording, record: Record, ends: int = 2, **changes: object
) -> tuple[int, Record]:
    """`ends`: exchanges that end until it has, with those that nobody has waited for yet."""
    tasks = Tasks()
    door = ReplayListener(host="127.0.0.1", port=proxy.port)
    sender = Replayer(lambda: [door], recording.replays, recording.store.note_replays, tasks)
    status = await sender.send(record, request_of(record, changes))
    await tasks.settle(10)
    await proxy.heard.wait_for(ends)
    return status, next(recording.store.newest_first())


async def test_call_over_http2_is_replayed_over_http2() -> None:
    fields = (b"content-type", b"text/plain"), (b"x-odd", b"\xc3\xbc")
    async with recorded_calls() as (proxy, recording, client, service):
        first = await posted(client, recording, b"hi", *fields)
        status, second = await replayed(proxy, recording, first)

    was, now = service.calls
    assert (200, str(first.number), "2") == (status, second.replayed_from, second.version)
    assert sorted(was.fields) == sorted(now.fields)
    assert was.body == now.body == b"hi"
    assert {} == recording.replays


async def test_edited_call_may_be_larger_than_the_window() -> None:
    large = "x" * 300_000
    async with recorded_calls() as (proxy, recording, client, service):
        first = await posted(client, recording, b"hi", (b"content-type", b"text/plain"))
        status, second = await replayed(
            proxy, recording, first, body=large, target="/b", headers=[["X-New", "1"]]
        )

    now = service.calls[1]
    assert (200, large.encode(), b"/b") == (status, now.body, now.get(b":path"))
    assert (b"1", None) == (now.get(b"x-new"), now.get(b"content-type"))
    assert b"/b" == second.target


async def test_grpc_call_without_content_is_sent_as_it_was_and_another_with_bytes_given() -> None:
    async with recorded_calls() as (proxy, recording, client, service):
        first = await posted(client, recording, bytes(5), *GRPC)
        assert [] == missing(first)
        await replayed(proxy, recording, first)
        given = b"\0\0\0\0\2\x08\x96"
        await replayed(proxy, recording, first, 1, body_base64=base64.b64encode(given).decode())

    assert [bytes(5), bytes(5), given] == [call.body for call in service.calls]
    assert {b"trailers"} == {call.get(b"te") for call in service.calls}


async def test_grpc_message_with_content_has_to_be_given() -> None:
    async with recorded_calls() as (_, recording, client, _service):
        first = await posted(client, recording, b"\0\0\0\0\2\x08\x96", *GRPC)

    with pytest.raises(Refused, match="The body was not kept as it was"):
        request_of(first, {})
    with pytest.raises(Refused, match="`body_base64` cannot be read"):
        request_of(first, {"body_base64": "no base64"})


@pytest.mark.parametrize(
    "changed",
    [{"target": "/a b"}, {"host": "a\r\nb"}, {"headers": [("a", "b\nc")]}, {"method": ""}],
    ids=str,
)
def test_what_is_no_call_is_refused(changed: dict[str, Any]) -> None:
    plain = ReplayRequest(method="GET", target="/", host="a", headers=[], body=b"")

    with pytest.raises(Refused, match="`request` cannot be read"):
        http2_fields(replace(plain, **changed), b"mark", "http")


async def test_listener_that_hangs_up_has_no_answer() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server, recorded_calls() as (_, recording, client, _service):
        first = await posted(client, recording, bytes(5), *GRPC)
        door = ReplayListener(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        sender = Replayer(lambda: [door], recording.replays, list, Tasks())

        with pytest.raises(UpstreamError, match="gave no answer"):
            await sender.send(first, request_of(first, {}))
