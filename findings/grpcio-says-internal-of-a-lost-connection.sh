#!/bin/sh
# grpcio 1.85 (grpc.aio): a call whose server dies while the client sends may end with INTERNAL.
#
# What one would guess: a connection that is lost ends its calls with UNAVAILABLE, as gRPC's own list
# of status codes has it, and retry rules for UNAVAILABLE cover a server that goes away.
# What happens: of calls whose request messages come from an iterator, some end with INTERNAL and
# "Internal error from Core", which no server has said: sending failed, since the call was over.
# Why it matters: who retries or counts by status takes a restart of the server for a fault in it.
# Seen with: grpcio 1.85.1, Python 3.13, Linux; how many of 360 calls:
#   INTERNAL Internal error from Core: 54
#   UNAVAILABLE Stream removed: 306
set -eu
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'grpcio==1.85.1'
cat >"$work/server.py" <<'PYTHON'
import asyncio

import grpc


async def talk(messages, _context):
    async for message in messages:
        yield message


async def main():
    server = grpc.aio.server()
    method = grpc.stream_stream_rpc_method_handler(talk)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("a.B", {"Talk": method}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


asyncio.run(main())
PYTHON
cat >"$work/try.py" <<'PYTHON'
import asyncio
import subprocess
import sys
from collections import Counter

import grpc

CALLS, ROUNDS = 30, 12


async def call(port, began, seen):
    async def say():
        while True:
            yield bytes(20_000)
            await asyncio.sleep(0.002)

    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        try:
            async for _ in channel.stream_stream("/a.B/Talk")(say()):
                began.release()
        except grpc.aio.AioRpcError as error:
            seen[error.code().name, (error.details() or "").split(" (")[0]] += 1


async def main():
    seen = Counter()
    for _ in range(ROUNDS):
        server = subprocess.Popen([sys.executable, sys.argv[1]], stdout=subprocess.PIPE, text=True)
        port, began = int(server.stdout.readline()), asyncio.Semaphore(0)
        calls = [asyncio.create_task(call(port, began, seen)) for _ in range(CALLS)]
        for _ in range(10 * CALLS):
            await began.acquire()
        server.kill()
        server.wait()
        await asyncio.wait(calls, timeout=60)
    for (code, details), count in sorted(seen.items()):
        print(f"{code} {details}: {count}")
    assert seen["INTERNAL", "Internal error from Core"], "grpcio says UNAVAILABLE of all of them now"
    assert any(code == "UNAVAILABLE" for code, _ in seen)


asyncio.run(main())
PYTHON
"$work/venv/bin/python" "$work/try.py" "$work/server.py"
