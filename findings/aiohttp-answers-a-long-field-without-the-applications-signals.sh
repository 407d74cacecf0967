#!/bin/sh
# aiohttp's server 3.14.5: a request whose field line has over 8190 bytes gets an answer that the
# application never sees: no middleware, no on_response_prepare.
#
# What one would guess: on_response_prepare is sent for each answer of the application, as it is for
# 404 and for what a handler raises. That is where security and CORS fields are added.
# What happens: such a request is legal (RFC 9110 5.4 leaves the limit to the server), browsers send
# it when cookies have piled up, and aiohttp answers 400 by itself. The answer has none of the
# fields that the signal adds to all others.
# Why it matters: a page on another origin sees an error of CORS in the place of the status, and what
# is to hold for "every answer" does not for this one. Fields for all answers cannot be added inside
# aiohttp; a larger max_field_size (web.run_app, AppRunner) moves the limit.
# Seen with: aiohttp 3.14.5, Python 3.11.
#   200 /, field of 8000 bytes: X-Ours is there
#   404 /nowhere, field of 8000 bytes: X-Ours is there
#   400 /, field of 9000 bytes: X-Ours is not there
#   seen by the middleware: 2 of 3
set -eu
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'aiohttp==3.14.5'
cat >"$work/try.py" <<'PYTHON'
import asyncio
import sys

from aiohttp import web

seen = []


@web.middleware
async def note(request, handler):
    seen.append(request.path)
    return await handler(request)


async def add(request, response):
    response.headers["X-Ours"] = "yes"


async def hello(request):
    return web.Response(text="hello")


async def ask(port, path, size):
    """The status, and whether the answer has the field that the signal adds."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    cookie = "c=" + "x" * (size - len("Cookie: c="))
    head = f"GET {path} HTTP/1.1\r\nHost: a.example\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    answer = (await reader.read()).decode()
    writer.close()
    status, has_field = int(answer.split()[1]), "\r\nX-Ours: yes\r\n" in answer
    there = "is there" if has_field else "is not there"
    print(f"{status} {path}, field of {size} bytes: X-Ours {there}")
    return status, has_field


async def main():
    app = web.Application(middlewares=[note])
    app.on_response_prepare.append(add)
    app.router.add_get("/", hello)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    found = [
        await ask(port, "/", 8000),
        await ask(port, "/nowhere", 8000),
        await ask(port, "/", 9000),
    ]
    await runner.cleanup()
    print(f"seen by the middleware: {len(seen)} of 3")
    return found == [(200, True), (404, True), (400, False)] and len(seen) == 2


sys.exit(0 if asyncio.run(main()) else "it behaves otherwise")
PYTHON
"$work/venv/bin/python" "$work/try.py"
