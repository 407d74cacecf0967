"""The service behind a proxy, as a process: HTTP/1.1, WebSockets and gRPC, over TLS.

python -m benchmarks.soak.service FOLDER TOKEN

It writes its ports to FOLDER/ports.json when it is ready. Every request must have the token.
"""

import asyncio
import hashlib
import json
import logging
import signal
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import grpc
from aiohttp import web
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from benchmarks.soak import content
from benchmarks.soak.limits import allow_many_files

PIECE = 64 * 1024
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def echo(request: web.Request) -> web.StreamResponse:
    return web.json_response({"said": request.query["say"]})


async def give(request: web.Request) -> web.StreamResponse:
    """A body of the seed and size that are asked for, with its length or in chunks."""
    data = content.body(int(request.query["seed"]), int(request.query["size"]))
    answer = web.StreamResponse()
    if "chunked" in request.query:
        answer.enable_chunked_encoding()
    else:
        answer.content_length = len(data)
    await answer.prepare(request)
    for start in range(0, len(data), PIECE):
        await answer.write(bytes(data[start : start + PIECE]))
    await answer.write_eof()
    return answer


async def take(request: web.Request) -> web.StreamResponse:
    """Tell what came."""
    digest, length = hashlib.sha256(), 0
    async for piece in request.content.iter_any():
        digest.update(piece)
        length += len(piece)
    return web.json_response({"length": length, "digest": digest.hexdigest()})


async def tell(request: web.Request) -> web.StreamResponse:
    """Events, one after the other with a pause."""
    answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await answer.prepare(request)
    for number in range(int(request.query["count"])):
        await answer.write(f"id: {number}\ndata: {'x' * (number % 700)}\n\n".encode())
        await asyncio.sleep(float(request.query["pause"]))
    await answer.write_eof()
    return answer


async def call(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
    return content.digest(request).encode()


async def stream(request: bytes, context: grpc.aio.ServicerContext) -> AsyncIterator[bytes]:
    asked = json.loads(request)
    for number in range(asked["count"]):
        yield bytes(content.body(asked["seed"] + number, asked["size"]))


async def talk(
    requests: AsyncIterator[bytes], context: grpc.aio.ServicerContext
) -> AsyncIterator[bytes]:
    async for request in requests:
        yield request


class Demanding(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # -- grpc has no types
    """Lets nobody in without the token."""

    def __init__(self, authorization: str) -> None:
        self._authorization = authorization

    async def intercept_service(
        self,
        continuation: Callable[[object], Awaitable[object]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> object:
        if ("authorization", self._authorization) in handler_call_details.invocation_metadata:
            return await continuation(handler_call_details)
        return None  # grpc answers UNIMPLEMENTED


def web_app(authorization: str) -> web.Application:
    @web.middleware
    async def demand(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Authorization") != authorization:
            return web.Response(status=401)
        return await handler(request)

    app = web.Application(middlewares=[demand], client_max_size=2 * content.LONGEST)
    app.router.add_get("/echo", echo)
    app.router.add_get("/give", give)
    app.router.add_post("/take", take)
    app.router.add_get("/tell", tell)
    return app


async def send_back(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def start_web(folder: Path, authorization: str, tls: ssl.SSLContext) -> int:
    runner = web.AppRunner(web_app(authorization), access_log=None, keepalive_timeout=3600)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls, backlog=1024)
    await site.start()
    port: int = runner.addresses[0][1]
    return port


async def start_websockets(authorization: str, tls: ssl.SSLContext) -> int:
    def demand(connection: ServerConnection, request: Request) -> Response | None:
        allowed = request.headers.get("Authorization") == authorization
        return None if allowed else connection.respond(401, "no token\n")

    server = await serve(
        send_back, "127.0.0.1", 0, ssl=tls, process_request=demand, compression=None, backlog=1024
    )
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port


async def start_grpc(pem: bytes, authorization: str) -> tuple[grpc.aio.Server, int]:
    server = grpc.aio.server(interceptors=[Demanding(authorization)])
    handlers = {
        "Call": grpc.unary_unary_rpc_method_handler(call),
        "Stream": grpc.unary_stream_rpc_method_handler(stream),
        "Talk": grpc.stream_stream_rpc_method_handler(talk),
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("soak", handlers)])
    credentials = grpc.ssl_server_credentials([(pem, pem)])
    port: int = server.add_secure_port("localhost:0", credentials)
    await server.start()
    return server, port


async def main(folder: Path, token: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    certificate, authorization = folder / "service.pem", f"Bearer {token}"
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    rpc, rpc_port = await start_grpc(certificate.read_bytes(), authorization)
    ports = {
        "web": await start_web(folder, authorization, tls),
        "ws": await start_websockets(authorization, tls),
        "rpc": rpc_port,
    }
    ready = folder / "ports.new"
    ready.write_text(json.dumps(ports))
    ready.rename(folder / "ports.json")
    await stop.wait()
    await rpc.stop(0)


if __name__ == "__main__":
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # it tells of every broken line
    allow_many_files()
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
