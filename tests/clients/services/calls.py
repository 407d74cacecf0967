"""demo.Echo, for clients of gRPC and of Connect."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from authproxy.demo.cloudrun import App

GRPC = "application/grpc"
ECHOED = ("content-type", "content-encoding", "connect-content-encoding", "grpc-encoding")
COUNT = 3


@asynccontextmanager
async def calls() -> AsyncIterator[App]:
    """Say echoes, Count does so thrice, Fail fails."""
    yield _answer_call


async def _answer_call(request: web.Request) -> web.StreamResponse:
    method = request.path.removeprefix("/demo.Echo/")
    message = await request.read()
    is_grpc = request.content_type.startswith(GRPC)
    if method == "Count":
        end = b"" if is_grpc else b"\x02\0\0\0\x02{}"
        return await _stream(request, message, end)
    if method == "Fail" and not is_grpc:
        said = {"code": "failed_precondition", "message": "as you wish"}
        return web.json_response(said, status=400)
    fields = _fields(request)
    if method == "Fail":
        message, fields["Grpc-Status"], fields["Grpc-Message"] = b"", "9", "as you wish"
    return web.Response(body=message, headers=fields)


async def _stream(request: web.Request, message: bytes, end: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers=_fields(request))
    await response.prepare(request)
    for _ in range(COUNT):
        await response.write(message)
    if end:
        await response.write(end)
    return response


def _fields(request: web.Request) -> dict[str, str]:
    """Messages go back as they came, compressed or not; the front end puts the status behind."""
    said = {name: value for name, value in request.headers.items() if name.lower() in ECHOED}
    return said | {"Grpc-Status": "0"} if request.content_type.startswith(GRPC) else said
