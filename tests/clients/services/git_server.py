"""Repositories over HTTP, as git itself serves them: `git http-backend`, by CGI."""

import asyncio
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from authproxy.demo.cloudrun import App
from authproxy.tasks import Tasks
from tests.support.program import clean_environment


@asynccontextmanager
async def git_repository() -> AsyncIterator[App]:
    """An empty one, `repo.git`."""
    with tempfile.TemporaryDirectory() as folder:
        init = ("git", "init", "--quiet", "--bare", "--initial-branch=main", f"{folder}/repo.git")
        process = await asyncio.create_subprocess_exec(*init, env=clean_environment())
        assert await process.wait() == 0
        yield GitServer(Path(folder)).handle


class GitServer:
    """Everything below one folder; whoever Cloud Run lets in may push."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle(self, request: web.Request) -> web.StreamResponse:
        backend = await asyncio.create_subprocess_exec(
            *("git", "-c", "http.receivepack=true", "http-backend"),
            env=clean_environment() | self._variables(request),
            stdin=PIPE,
            stdout=PIPE,
        )
        tasks = Tasks()
        body = tasks.start(_send_body(request, backend), name="body for git")
        try:
            return await _answer(request, backend)
        finally:
            if backend.returncode is None:
                backend.kill()
            await backend.wait()
            await asyncio.wait([body])

    def _variables(self, request: web.Request) -> dict[str, str]:
        """What RFC 3875 and git's manual say of the environment."""
        path, _, query = request.raw_path.partition("?")
        fields = {
            f"HTTP_{name.upper().replace('-', '_')}": value
            for name, value in request.headers.items()
        }
        return fields | {
            "GIT_PROJECT_ROOT": str(self._folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": request.method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": request.headers.get("Content-Length", ""),
            "REMOTE_ADDR": request.remote or "",
            "HOME": str(self._folder),
        }


async def _send_body(request: web.Request, backend: Process) -> None:
    assert backend.stdin is not None
    try:
        async for piece in request.content.iter_any():
            backend.stdin.write(piece)
            await backend.stdin.drain()
    except ConnectionError:
        return  # git has heard enough
    finally:
        backend.stdin.close()


async def _answer(request: web.Request, backend: Process) -> web.StreamResponse:
    assert backend.stdout is not None
    answer = web.StreamResponse()
    while line := (await backend.stdout.readline()).decode().strip():
        name, _, value = line.partition(": ")
        if name == "Status":
            answer.set_status(int(value.split()[0]))
        else:
            answer.headers[name] = value
    await answer.prepare(request)
    while piece := await backend.stdout.read(64 * 1024):
        await answer.write(piece)
    await answer.write_eof()
    return answer
