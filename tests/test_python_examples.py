"""The programs of docs/python.md, which mypy checks where they stand, do what the page says."""

import asyncio
import json
import re
import runpy
import sys
from importlib.metadata import entry_points
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from authproxy.demo.world import World
from benchmarks import google_auth
from tests.support.auth_world import BOT
from tests.support.program import clean_environment

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "python.md").read_text()
FILES = {path.name: path for path in sorted((ROOT / "docs" / "examples").glob("*.py"))}
URL = "https://billing-123456.europe-west4.run.app"
SAYS = {
    "serve_async.py": "200\n",
    "serve_sync.py": "200\n",
    "with_aiohttp.py": "200\n",
    "with_grpc.py": "1\n",
    "with_httpx.py": "200\n200\n",
    "with_requests.py": "200\n",
}


def test_the_page_shows_the_files() -> None:
    shown = dict(re.findall(r"<!-- (\w+\.py) -->\n```python\n(.*?)```", PAGE, re.DOTALL))

    assert {name: path.read_text() for name, path in FILES.items()} == shown


def test_the_table_beside_google_auth_has_every_row_that_is_measured() -> None:
    part = PAGE.split(google_auth.BEGIN)[1].split(google_auth.END)[0]
    rows = [line.split("|")[1].strip() for line in part.strip().splitlines()[2:]]

    assert list(google_auth.ROWS) == rows


def world() -> World:
    async def app(request: web.Request) -> web.StreamResponse:
        if request.content_type.startswith("application/grpc"):
            body = b"\0\0\0\0\2\x08\x01"
            fields = {"Grpc-Status": "0", "Content-Type": "application/grpc"}
            return web.Response(body=body, headers=fields)
        return web.json_response({"cookie": request.headers.get("Cookie")})

    return World(token_life_s=600, app=app, invokers=[BOT])


def put_there(there: World, folder: Path, name: str) -> Path:
    """The example, for a service that exists, beside its key."""
    path = folder / name
    path.write_text(FILES[name].read_text().replace(URL, there.url))
    key = folder / "key.json"
    key.touch(mode=0o600)
    key.write_text(there.service_account_file(BOT).read_text())
    return path


async def run(there: World, folder: Path, *arguments: str | Path) -> str:
    """Its stdout, with this world's authority trusted in every library's own way."""
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH")
    environ = dict.fromkeys(names, str(there.ca_file)) | {"PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error::ResourceWarning",
        *map(str, arguments),
        env=clean_environment(environ),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(40):
        stdout, _ = await process.communicate()
    return stdout.decode()


async def test_the_programs_do_what_they_say(tmp_path: Path) -> None:
    async with world() as there:
        paths = {name: put_there(there, tmp_path, name) for name in SAYS}
        said = {name: await run(there, tmp_path, path) for name, path in paths.items()}

    assert SAYS == said


async def test_the_test_passes(tmp_path: Path) -> None:
    async with world() as there:
        path = put_there(there, tmp_path, "test_with_fixture.py")
        plugin = ["-p", "no:cacheprovider"]
        if not entry_points(group="pytest11", name="authproxy"):  # not installed since it has it
            plugin += ["-p", "authproxy.embedding.pytest_plugin"]
        said = await run(there, tmp_path, "-m", "pytest", "-q", *plugin, path)

    assert "1 passed" in said, said


async def test_the_application_forwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with world() as there:
        path = put_there(there, tmp_path, "part_of_an_application.py")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(there.ca_file))
        runner = web.AppRunner(runpy.run_path(str(path))["make_app"](), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/billing/invoices"
        fields = {"X-Api-Key": "from your own store of keys", "Cookie": "a=1"}
        found = []
        async with aiohttp.ClientSession() as http:
            for headers in (fields, {}):
                async with http.get(url, headers=headers) as answer:
                    found.append((answer.status, await answer.text()))
        await runner.cleanup()

    assert (200, {"cookie": None}) == (found[0][0], json.loads(found[0][1]))
    assert 403 == found[1][0]
