#!/bin/sh
# grpclib 0.4.9: a call in flight fails when the server announces its end, although it will be answered.
#
# What one would guess: GOAWAY with NO_ERROR and a last stream id that covers the call means "no new
# calls, this one goes on" (RFC 9113 6.8); grpcio's clients go on, and get their answer.
# What happens: grpclib closes the connection as soon as GOAWAY comes and the call fails with
# "Connection lost", although the server sends the whole answer right behind it.
# Why it matters: a server or proxy that ends in good order fails the calls of these clients. Only
# to send GOAWAY when no call is in flight helps them.
# Seen with: grpclib 0.4.9, grpcio 1.85.1, h2 4.4.1, Python 3.11, Linux.
#   grpcio:  answer b'hello'
#   grpclib: StreamTerminatedError Connection lost
set -eu
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    'grpcio==1.85.1' 'grpclib==0.4.9' 'h2==4.4.1'
cat >"$work/try.py" <<'PYTHON'
import asyncio
import sys

import grpc.aio
import grpclib.client
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import StreamEnded


class Raw:
    """A message that is its bytes already."""

    def __init__(self, data=b""):
        self.data = data

    def SerializeToString(self):
        return self.data

    @classmethod
    def FromString(cls, data):
        return cls(data)


async def serve(reader, writer):
    """Answers one call, with GOAWAY a moment before the answer."""
    connection = H2Connection(H2Configuration(client_side=False))
    connection.initiate_connection()
    writer.write(connection.data_to_send())
    while data := await reader.read(65536):
        for event in connection.receive_data(data):
            if isinstance(event, StreamEnded):
                stream = event.stream_id
                goaway = bytes([0, 0, 8, 7, 0, 0, 0, 0, 0]) + stream.to_bytes(4, "big") + bytes(4)
                writer.write(connection.data_to_send() + goaway)
                await asyncio.sleep(0.3)  # so that the client has read it by itself
                head = [(":status", "200"), ("content-type", "application/grpc")]
                connection.send_headers(stream, head)
                connection.send_data(stream, bytes([0, 0, 0, 0, 5]) + b"hello")
                connection.send_headers(stream, [("grpc-status", "0")], end_stream=True)
        writer.write(connection.data_to_send())
    writer.close()


async def by_grpcio(port):
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        return f"answer {await channel.unary_unary('/test.Echo/Say')(b'x', timeout=20)!r}"


async def by_grpclib(port):
    channel = grpclib.client.Channel("127.0.0.1", port)
    method = grpclib.client.UnaryUnaryMethod(channel, "/test.Echo/Say", Raw, Raw)
    try:
        return f"answer {(await method(Raw(b'x'), timeout=20)).data!r}"
    except Exception as error:
        return f"{type(error).__name__} {error}"
    finally:
        channel.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    found = {"grpcio": await by_grpcio(port), "grpclib": await by_grpclib(port)}
    server.close()
    for name, said in found.items():
        print(f"{name + ':':<8} {said}")
    return found != {"grpcio": "answer b'hello'", "grpclib": "StreamTerminatedError Connection lost"}


sys.exit(asyncio.run(main()))
PYTHON
timeout 60 "$work/venv/bin/python" "$work/try.py"
