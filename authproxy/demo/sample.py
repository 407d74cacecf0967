"""The sample app behind the pretend Cloud Run: a page, an echo, streams both ways, a WebSocket."""

import asyncio
import hashlib
import itertools
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs

from aiohttp import WSMsgType, web

from authproxy.demo.keys import InvalidTokenError, parse_token

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

CHUNK = 64 * 1024
GRPC = "application/grpc"
_BLOCK = hashlib.shake_256(b"authproxy demo").digest(CHUNK - 8)
_JWT = re.compile(r"[\w-]{8,}\.[\w-]{8,}\.[\w-]+")


async def handle(request: web.Request) -> web.StreamResponse:
    """Answer by the first part of the path; the rest of it is free for `/echo`."""
    path = request.raw_path.partition("?")[0]
    handler = _HANDLERS.get("/" + path.split("/")[1] if path.startswith("/") else path)
    if handler is None:
        return _not_here(path)
    try:
        return await handler(request)
    except _QueryError as error:
        return web.Response(text=f"{error}\n", status=400)


async def page(_request: web.Request) -> web.StreamResponse:
    text = files("authproxy.demo").joinpath("sample.html").read_text("utf-8")
    return web.Response(text=text, content_type="text/html")


async def whoami(request: web.Request) -> web.StreamResponse:
    """One line about the identity and its token; JSON when asked for."""
    about = describe_caller(request)
    if "application/json" in request.headers.get("Accept", ""):
        return web.json_response(about)
    if not about["principal"]:
        return web.Response(text="nobody: no token came with this request\n")
    return web.Response(
        text="{principal}  token {token}, issued {age_s} s ago, {left_s} s left\n".format(**about)
    )


async def echo(request: web.Request) -> web.StreamResponse:
    """What came in, as JSON; tokens do not come back."""
    size, digest = await _measure(request.content.iter_any())
    headers = [[_shown(name), _redacted(_shown(value))] for name, value in request.raw_headers]
    body = {
        "method": request.method,
        "target": request.raw_path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "headers": headers,
        "body": {"bytes": size, "sha256": digest},
    }
    return web.json_response(body, dumps=lambda value: json.dumps(value, indent=2) + "\n")


async def clock(request: web.Request) -> web.StreamResponse:
    """Server-sent events: the time, every `every` seconds, `count` times or for ever."""
    query = _query(request)
    every_s, count = _number(query, "every", "1"), query.get("count")
    numbers = itertools.count(1) if count is None else range(1, int(_number(query, "count")) + 1)
    response = web.StreamResponse(headers={"Cache-Control": "no-store"})
    response.content_type = "text/event-stream"
    await response.prepare(request)
    for number in numbers:
        now = time.strftime("%H:%M:%S", time.gmtime())
        await response.write(f"id: {number}\ndata: {now} UTC\n\n".encode())
        if str(number) != count:
            await asyncio.sleep(every_s)
    return response


async def websocket(request: web.Request) -> web.StreamResponse:
    """Echo every message as it came, text or binary."""
    if request.headers.get("Upgrade", "").lower() != "websocket":
        return web.Response(text="connect with a WebSocket client\n", status=426)
    socket = web.WebSocketResponse(max_msg_size=64 * 1024 * 1024, timeout=1.0)
    await socket.prepare(request)
    with suppress(ConnectionError):
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
    return socket


async def upload(request: web.Request) -> web.StreamResponse:
    size, digest = await _measure(request.content.iter_any())
    return web.Response(
        text=json.dumps({"bytes": size, "sha256": digest}) + "\n", content_type="application/json"
    )


async def download(request: web.Request) -> web.StreamResponse:
    """`bytes=N` bytes, always the same; `chunked=1` leaves the length out."""
    query = _query(request)
    size = int(_number(query, "bytes", "1000000"))
    response = web.StreamResponse()
    response.content_type = "application/octet-stream"
    if "chunked" not in query:
        response.content_length = size
    await response.prepare(request)
    for chunk in download_chunks(size) if request.method != "HEAD" else ():
        await response.write(chunk)
    return response


def download_chunks(size: int) -> Iterator[bytes]:
    """The first `size` bytes of `/download`: numbered blocks, so that a lost one is noticed."""
    for number in range(size // CHUNK):
        yield number.to_bytes(8, "big") + _BLOCK
    rest = size % CHUNK
    if rest:
        yield ((size // CHUNK).to_bytes(8, "big") + _BLOCK)[:rest]


async def status(request: web.Request) -> web.StreamResponse:
    """`/status/CODE`."""
    code = request.raw_path.partition("?")[0].rpartition("/")[2]
    if not code.isdecimal() or not 200 <= int(code) <= 599:
        return web.Response(text="write /status/CODE with a code from 200 to 599\n", status=400)
    return web.Response(status=int(code), text=None if code in ("204", "304") else f"{code}\n")


async def redirect(request: web.Request) -> web.StreamResponse:
    """To `to` (default /whoami) with `status`; `absolute=1` names this service's own host."""
    query = _query(request)
    target = query.get("to", "/whoami")
    if "absolute" in query:
        target = f"https://{request.headers.get('Host', '')}{target}"
    return web.Response(status=int(_number(query, "status", "302")), headers={"Location": target})


async def cookies(request: web.Request) -> web.StreamResponse:
    """Sets cookies in ways that matter to a proxy; shows those that came."""
    response = web.json_response({"cookie": request.headers.getall("Cookie", [])})
    for cookie in (
        "plain=1; Path=/",
        "secure=2; Path=/; Secure; HttpOnly; SameSite=None",
        "__Host-strict=3; Path=/; Secure; SameSite=Lax",
    ):
        response.headers.add("Set-Cookie", cookie)
    return response


async def slow(request: web.Request) -> web.StreamResponse:
    """Answers after `s` seconds."""
    await asyncio.sleep(_number(_query(request), "s", "1"))
    return web.Response(text="done\n")


async def grpc_health(request: web.Request) -> web.StreamResponse:
    """`Check` of grpc.health.v1.Health, for whatever it is asked about: SERVING."""
    if not _is_grpc(request) or not request.path.endswith("/Check"):
        return _not_here(request.path)
    await request.read()
    message = b"\x08\x01"  # field 1 is 1: too little to own a library of protobuf for
    return web.Response(
        body=b"\0\0\0\0\2" + message, content_type=GRPC, headers={"Grpc-Status": "0"}
    )


async def grpc_echo(request: web.Request) -> web.StreamResponse:
    """Any method of demo.Echo: all messages come back, each as soon as it is there."""
    if not _is_grpc(request):
        return _not_here(request.path)
    # The front end puts the status behind the messages, where gRPC has it.
    response = web.StreamResponse(headers={"Grpc-Status": "0"})
    if "Grpc-Encoding" in request.headers:  # the messages are still compressed
        response.headers["Grpc-Encoding"] = request.headers["Grpc-Encoding"]
    response.content_type = GRPC
    await response.prepare(request)
    async for chunk in request.content.iter_any():
        await response.write(chunk)
    return response


def _is_grpc(request: web.Request) -> bool:
    return request.content_type.startswith(GRPC)


def describe_caller(request: web.Request) -> dict[str, Any]:
    """The claims of the token that Cloud Run let through; it has verified them already."""
    for name in ("X-Serverless-Authorization", "Authorization"):
        token = request.headers.get(name, "").rpartition(" ")[2]
        with suppress(InvalidTokenError):
            parsed = parse_token(token)
            now, claims = time.time(), parsed.claims
            return {
                "principal": claims.get("email", claims.get("sub", "")),
                "audience": claims.get("aud", ""),
                "header": name,
                # Names the token without giving any of it away.
                "token": hashlib.sha256(parsed.signed).hexdigest()[:8],
                "age_s": int(now - claims.get("iat", now)),
                "left_s": int(claims.get("exp", now) - now),
                "life_s": claims.get("exp", now) - claims.get("iat", now),
            }
    return {"principal": ""}


async def _measure(chunks: AsyncIterator[bytes]) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    async for chunk in chunks:
        size += len(chunk)
        digest.update(chunk)
    return size, digest.hexdigest()


class _QueryError(Exception):
    """The client wrote something into the query that is no number."""


def _number(query: dict[str, str], name: str, default: str = "0") -> float:
    text = query.get(name, default)
    if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,9})?", text):
        raise _QueryError(f"{name} must be a number, zero or more")
    return float(text)


def _query(request: web.Request) -> dict[str, str]:
    query = request.raw_path.partition("?")[2]
    return {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}


def _shown(value: bytes) -> str:
    """One character for each byte, so that nothing is lost in JSON."""
    return value.decode("latin-1")


def _redacted(value: str) -> str:
    return _JWT.sub("(token)", value)


def _not_here(path: str) -> web.Response:
    return web.Response(text=f"the sample app has nothing at {path}\n", status=404)


_HANDLERS: dict[str, Handler] = {
    "/": page,
    "/whoami": whoami,
    "/echo": echo,
    "/clock": clock,
    "/ws": websocket,
    "/upload": upload,
    "/download": download,
    "/status": status,
    "/redirect": redirect,
    "/cookies": cookies,
    "/slow": slow,
    "/grpc.health.v1.Health": grpc_health,
    "/demo.Echo": grpc_echo,
}
