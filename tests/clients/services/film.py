"""A film whose table of contents stands at its end: whoever plays it must ask for ranges."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from authproxy.demo.cloudrun import App
from tests.support.program import clean_environment

_NOISE = "nullsrc=s=320x240:r=10:d=20,geq=random(1)*255:128:128"
"""Pictures that cannot be made small."""

_PIECE = 64 * 1024


@asynccontextmanager
async def film() -> AsyncIterator[App]:
    """`/film.mp4`, of 20 seconds and some megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "film.mp4")
        made = await asyncio.create_subprocess_exec(
            *("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", _NOISE),
            *("-c:v", "mpeg4", "-g", "10", str(file)),
            env=clean_environment(),
            stdin=asyncio.subprocess.DEVNULL,
        )
        assert await made.wait() == 0

        content = await asyncio.to_thread(file.read_bytes)

        async def handle(request: web.Request) -> web.StreamResponse:
            if request.path != "/film.mp4":
                raise web.HTTPNotFound
            return await _send_range(request, content)

        yield handle


async def _send_range(request: web.Request, content: bytes) -> web.StreamResponse:
    """Piece by piece: players leave when they have what they want."""
    start, stop, _ = request.http_range.indices(len(content))
    answer = web.StreamResponse(status=206 if "Range" in request.headers else 200)
    answer.content_type = "video/mp4"
    answer.content_length = stop - start
    answer.headers["Accept-Ranges"] = "bytes"
    answer.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
    await answer.prepare(request)
    for at in range(start, stop, _PIECE):
        await answer.write(content[at : min(at + _PIECE, stop)])
    await answer.write_eof()
    return answer
