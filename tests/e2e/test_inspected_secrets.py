"""Every secret of a run is looked for in all that the inspector shows, and in its memory."""

import asyncio
import base64
import gc
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import FunctionType, ModuleType

from authproxy.inspector.assembly import Recording, build_recording
from authproxy.inspector.views.detail import detail
from authproxy.inspector.views.har import har
from authproxy.inspector.views.rows import row
from authproxy.inspector.views.snippets import snippets
from tests.support.proxying import TOKEN_TEXT, RunningProxy, proxying
from tests.test_inspector_api import asking
from tests.test_inspector_bodies_websocket_frames import frame

API_KEY = "the-key-of-the-service-1f"
SECRETS = {
    name: f"zq{name}Zx81f3{number}c9"
    for number, name in enumerate(
        [
            *(
                "query",
                "escaped",
                "path",
                "bearer",
                "cookie",
                "setcookie",
                "header",
                "form",
                "json",
            ),
            *("packed", "event", "socket", "squeezed", "trailer", "location", "basic", "referer"),
            *("broken", "grpc", "multipart", "binary"),
        ]
    )
}
JWT = "eyJhbGciOiJub25lIn0." + base64.urlsafe_b64encode(b'{"a":"path"}').decode() + ".c2lnbmF0dXJl"
SECRETS["path"] = JWT
LOOKED_FOR = [*SECRETS.values(), API_KEY, TOKEN_TEXT]
HEAD = "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{fields}\r\n"


def reachable(root: object) -> list[bytes]:
    """Every text and all bytes that can be reached from `root`, but for code and its globals."""
    seen: set[int] = set()
    found: list[bytes] = []
    front: list[object] = [root]
    while front:
        each = front.pop()
        if id(each) in seen or isinstance(each, type | ModuleType | FunctionType):
            continue
        seen.add(id(each))
        if isinstance(each, str):
            found.append(each.encode("utf-8", "surrogatepass"))
        elif isinstance(each, bytes | bytearray):
            found.append(bytes(each))
        else:
            front += gc.get_referents(each)
    return found


def answer_to(target: bytes) -> list[bytes]:
    """What the service says, in pieces."""
    if target.startswith(b"/packed"):
        body = gzip.compress(json.dumps({"page": 7, "client_secret": SECRETS["packed"]}).encode())
        head = b"Content-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n"
        return [b"HTTP/1.1 200 OK\r\n" + head % len(body) + b"\r\n", *(bytes([b]) for b in body)]
    if target.startswith(b"/events"):
        data = f'data: {{"page": 7, "token":\ndata: "{SECRETS["event"]}"}}\n\n'.encode()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        return [head, *(data[at : at + 5] for at in range(0, len(data), 5))]
    if target.startswith(b"/trailer"):
        head = b"Transfer-Encoding: chunked\r\nContent-Type: application/grpc\r\n\r\n"
        trailer = b"X-Session-Token: " + SECRETS["trailer"].encode()
        chunks = b"7\r\n\0\0\0\0\x02hi\r\n0\r\n" + trailer + b"\r\n\r\n"
        return [b"HTTP/1.1 200 OK\r\n" + head + chunks]
    if target.startswith(b"/broken"):
        text = b'{"page": 7, "a": [1, "x", {"password": "' + SECRETS["broken"].encode()
        head = b"Content-Type: application/json\r\nConnection: close\r\n\r\n"
        return [b"HTTP/1.1 200 OK\r\n" + head + text]
    location = f"https://login.example/?page=7&code={SECRETS['location']}"
    return [
        f"HTTP/1.1 302 Found\r\nSet-Cookie: sid={SECRETS['setcookie']}; Path=/\r\n"
        f"Location: {location}\r\nContent-Length: 0\r\n\r\n".encode()
    ]


def socket_words(direction: str, mask: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    found = b""
    for name in ("socket", "squeezed"):
        text = json.dumps({"from": direction, "page": 7, "apiKey": SECRETS[name]}).encode()
        packed = (squeeze.compress(text) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]
        found += frame(packed[:7], fin=False, rsv1=True, mask=mask) + frame(
            packed[7:], 0, mask=mask
        )
    return found + frame(SECRETS["binary"].encode(), 2, mask=mask)


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    target = head.split(b" ")[1]
    if target == b"/socket":
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n" + socket_words("service", b"")
        )
        await reader.read(10)
    for piece in answer_to(target) if target != b"/socket" else []:
        writer.write(piece)
        await writer.drain()
    writer.close()


@asynccontextmanager
async def running() -> AsyncIterator[tuple[RunningProxy, Recording]]:
    recording = build_recording(memory=2**25, body_bytes=2**16, with_content=["service"])
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, proxying(url, api_key=API_KEY, first=recording.observers) as proxy:
        yield proxy, recording


def requests(port: int) -> list[bytes]:
    basic = base64.b64encode(f"ann:{SECRETS['basic']}".encode()).decode()
    SECRETS["basic64"] = basic
    asked = [
        ("GET", f"/plain?page=7&token={SECRETS['query']}", "", b""),
        ("GET", f"/plain?page=7&to%6Ben={SECRETS['escaped']}", "", b""),
        ("GET", f"/plain/{JWT}/x", "", b""),
        ("GET", "/packed", f"Authorization: Bearer {SECRETS['bearer']}\r\n", b""),
        ("GET", "/events", f"Cookie: a=1; sid={SECRETS['cookie']}\r\n", b""),
        ("GET", "/trailer", f"TE: trailers\r\nX-Custom-Key: {SECRETS['header']}\r\n", b""),
        ("GET", "/broken", f"Proxy-Authorization: Basic {basic}\r\n", b""),
        ("GET", "/plain", f"Referer: http://127.0.0.1:{port}/?code={SECRETS['referer']}\r\n", b""),
    ]
    for media_type, text in [
        ("application/x-www-form-urlencoded", f"page=7&password={SECRETS['form']}"),
        ("application/json", f'{{"page": 7, "to\\u006ben": "{SECRETS["json"]}"}}'),
        ("application/grpc", f"\0\0\0\0\x20{SECRETS['grpc']:<32}"),
        ("multipart/form-data; boundary=b", f"--b\r\n\r\n{SECRETS['multipart']}\r\n--b--"),
    ]:
        length = f"Content-Type: {media_type}\r\nContent-Length: {len(text)}\r\n"
        asked.append(("POST", "/plain", length, text.encode()))
    return [
        HEAD.format(method=m, target=t, port=port, fields=f + "Connection: close\r\n").encode()
        + body
        for m, t, f, body in asked
    ]


async def talk(proxy: RunningProxy) -> None:
    for request in requests(proxy.port):
        reader, writer = await proxy.connect()
        for at in range(0, len(request), 11):
            writer.write(request[at : at + 11])
            await writer.drain()
        await reader.read(-1)
        writer.close()
    reader, writer = await proxy.connect()
    fields = (
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
    )
    writer.write(
        HEAD.format(method="GET", target="/socket", port=proxy.port, fields=fields).encode()
        + socket_words("client", b"abcd")
    )
    await reader.read(-1)
    writer.close()


async def test_no_secret_of_a_run_is_shown_or_kept_in_memory() -> None:
    async with running() as (proxy, recording):
        await talk(proxy)
        await proxy.heard.wait_for(13)
        records = list(recording.store.newest_first())
        shown = json.dumps([[row(r), detail(r), snippets(r)] for r in records]) + json.dumps(
            har(records)
        )
        memory = b"\n".join(reachable([recording, *recording.observers]))

    looked_for = [*LOOKED_FOR, SECRETS["basic64"]]
    assert 13 == len(records)
    assert [] == [secret for secret in looked_for if secret in shown]
    assert [] == [secret for secret in looked_for if secret.encode() in memory]
    # Something was there to be hidden, and what is beside it was kept.
    assert shown.count("[redacted:") > 30
    assert memory.count(b"page") > 8


async def test_no_secret_of_a_run_is_in_an_answer_of_the_api_or_in_its_stream() -> None:
    async with (
        running() as (proxy, recording),
        asking(recording) as client,
        client.get("/api/exchanges/stream") as stream,
    ):
        await talk(proxy)
        await proxy.heard.wait_for(13)
        streamed = b""
        async with asyncio.timeout(20):
            while streamed.count(b'"live": false') < 13:
                streamed += await stream.content.readany()
        numbers = [record.number for record in recording.store.newest_first()]
        paths = ["", "/har", f"/compare?a={numbers[0]}&b={numbers[1]}"]
        for number in numbers:
            ends = ("", "/har", "/commands", "/request-body", "/answer-body")
            paths += [f"/{number}{end}" for end in ends]
        answers = [await (await client.get(f"/api/exchanges{path}")).read() for path in paths]
        answers.append(await (await client.get("/api/services")).read())

    said = b"\n".join([streamed, *answers])
    assert [] == [each for each in [*LOOKED_FOR, SECRETS["basic64"]] if each.encode() in said]
    assert b"[redacted:" in streamed
    assert said.count(b"[redacted:") > 60


def test_memory_is_really_searched() -> None:
    class Holder:
        __slots__ = ("inside",)

        def __init__(self) -> None:
            self.inside = {"a": [("deep", bytearray(b"found"))]}

    assert {b"deep", b"found"} <= set(reachable(Holder()))
