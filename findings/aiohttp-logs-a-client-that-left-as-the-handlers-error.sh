#!/bin/sh
# aiohttp's server 3.14.5: that a client has left is an ERROR with a traceback, or nothing, by who
# writes the answer.
#
# What one would guess: a client that closes its connection is no fault of the application's, so the
# server takes it alike wherever it is noticed, and says nothing above DEBUG.
# What happens: where the handler returns a Response, the server writes it, and swallows that nobody
# is there. Where the handler writes a StreamResponse by itself (downloads, server-sent events), the
# same end raises ClientConnectionResetError in it, which is logged as the handler's own failure:
# "Error handling request from ...", at ERROR, with a traceback, though it is a ConnectionError.
# Why it matters: a user who stops a download makes an alert. Handlers that stream must catch
# ConnectionError around prepare, write and write_eof; nothing on the server turns it off.
# Seen with: aiohttp 3.14.5, Python 3.11.
#   returned: ERROR records 0
#   streamed: ERROR records 1, ClientConnectionResetError
set -eu
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'aiohttp==3.14.5'
cat >"$work/try.py" <<'PYTHON'
import asyncio
import logging

from aiohttp import web

records = []


class Keep(logging.Handler):
    def emit(self, record):
        if record.levelno >= logging.ERROR:
            records.append(record.exc_info[0].__name__ if record.exc_info else record.getMessage())


async def ask(kind):
    asked, left, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handle(request):
        asked.set()
        await left.wait()
        while request.transport is not None:  # until the server has noticed
            await asyncio.sleep(0.01)
        try:
            if kind == "returned":
                return web.Response(text="hello")
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(b"hello")
            return response
        finally:
            ended.set()

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await asked.wait()
    writer.close()
    await writer.wait_closed()
    left.set()
    await asyncio.wait_for(ended.wait(), 10)
    await runner.cleanup()


async def main():
    logging.getLogger().addHandler(Keep())
    for kind in ("returned", "streamed"):
        records.clear()
        await ask(kind)
        print(", ".join([f"{kind}: ERROR records {len(records)}", *records]))


asyncio.run(main())
PYTHON
"$work/venv/bin/python" "$work/try.py" >"$work/seen"
cat "$work/seen"
diff "$work/seen" - <<'EXPECTED'
returned: ERROR records 0
streamed: ERROR records 1, ClientConnectionResetError
EXPECTED
