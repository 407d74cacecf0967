"""`authproxy demo` without its proxy: the world comes, is used, and goes on every way out."""

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from authproxy.demo.runner import run
from authproxy.errors import ConfigError

# google-auth reads its environment when it is imported, so each run is a process of its own.
PRELUDE = """
import json, os, signal, sys, time, urllib.request
from authproxy.demo.runner import run
from authproxy.errors import StartError

# A shell ignores it for what it starts in the background, and so would we.
signal.signal(signal.SIGINT, signal.default_int_handler)

def say(**line):
    print(json.dumps(line), flush=True)

def directory(settings):
    return str(settings.services["hello"].ca_file.parent)
"""

USE = """
def proxy(settings, on_ready):
    from google.auth.compute_engine import IDTokenCredentials
    from google.auth.transport.requests import Request
    hello = settings.services["hello"]
    credentials = IDTokenCredentials(Request(), str(hello.url), use_metadata_identity_endpoint=True)
    credentials.refresh(Request())
    say(url=str(hello.url), credentials=str(hello.credentials), listen=str(settings.listen[0]),
        admin=settings.admin.kind, inspect=settings.inspect.record,
        ca_file=hello.ca_file.is_file(), directory=directory(settings),
        token=len(credentials.token.split(".")))
    return 7

before = dict(os.environ)
code = run(listen="localhost:8080", token_life_s=30, run_proxy=proxy)
say(code=code, restored=before == dict(os.environ))
"""

READY = """
def proxy(settings, on_ready):
    on_ready(["http://127.0.0.1:8080"])
    return 0

run(listen="8080", token_life_s=30, run_proxy=proxy)
"""

WAIT = """
def proxy(settings, on_ready):
    say(directory=directory(settings))
    while True:  # one pause() could begin just after the signal came, and never end
        time.sleep(0.05)

say(code=run(listen="8080", token_life_s=30, run_proxy=proxy))
"""

FAIL = """
def proxy(settings, on_ready):
    say(directory=directory(settings))
    raise StartError("port 8080 is taken")

try:
    run(listen="8080", token_life_s=30, run_proxy=proxy)
except StartError as error:
    say(error=str(error))
"""

NO_DIRECTORY = """
os.environ["PYTHONPATH"] = os.environ["SITE"]
try:
    run(listen="8080", token_life_s=30, run_proxy=None)
except StartError as error:
    say(error=str(error), hint=error.hint)
"""

TOO_LATE = """
import google.auth.compute_engine._metadata
try:
    run(listen="8080", token_life_s=30, run_proxy=None)
except RuntimeError as error:
    say(error=str(error))
"""


async def start(script: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PRELUDE + script,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def finish(script: str) -> tuple[list[Any], str]:
    """The lines that the script printed, and what it and the world's process complained about.

    Both share one stderr, so its end is the end of both.
    """
    process = await start(script)
    output, errors = await process.communicate()
    return [json.loads(line) for line in output.splitlines()], errors.decode()


def is_gone(path: str) -> bool:
    return not Path(path).exists()


async def test_proxy_runs_in_the_world_and_leaves_nothing_behind() -> None:
    (used, after), errors = await finish(USE)

    assert not errors
    assert used.pop("url").startswith("https://localhost:")
    directory = used.pop("directory")
    assert {
        "credentials": "metadata",
        "listen": "localhost:8080",
        "ca_file": True,
        "admin": "near",  # the port of every admin listener or the next: also in a container
        "inspect": "on",
        "token": 3,
    } == used
    assert {"code": 7, "restored": True} == after
    assert is_gone(directory)


async def test_guide_is_printed_when_the_proxy_is_ready() -> None:
    process = await start(READY)
    output, errors = await process.communicate()

    assert (0, b"") == (process.returncode, errors)
    assert b"curl -i http://127.0.0.1:8080/whoami\n" in output
    assert b"tokens live 30 s here" in output


async def stop(script: str, number: int) -> tuple[str, bytes, bytes]:
    """Send a signal once the world is up; its directory, and the rest of the output."""
    process = await start(script)
    assert process.stdout is not None
    directory = json.loads(await process.stdout.readline())["directory"]
    process.send_signal(number)
    output, errors = await process.communicate()
    return directory, output, errors


async def test_ctrl_c_ends_it_all() -> None:
    directory, output, errors = await stop(WAIT, signal.SIGINT)

    assert ({"code": 130}, b"") == (json.loads(output), errors)
    assert is_gone(directory)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_world_ends_with_the_program_that_started_it(number: int) -> None:
    directory, _, errors = await stop(WAIT, number)

    assert b"" == errors
    assert is_gone(directory)


async def test_world_ends_when_the_proxy_cannot_start() -> None:
    (first, last), errors = await finish(FAIL)

    assert ({"error": "port 8080 is taken"}, "") == (last, errors)
    assert is_gone(first["directory"])


@pytest.mark.parametrize(
    ("directory", "error", "hint"),
    [
        (
            "/proc/nowhere",
            "authproxy demo needs a directory for its certificates, and none can be written",
            "Set TMPDIR to a directory that this user may write to.",
        ),
        ("/dev/null", "the pretend services cannot start: Not a directory", ""),
    ],
)
async def test_missing_directory_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, directory: str, error: str, hint: str
) -> None:
    """Root can write everywhere, so the world's process is told where its files would go."""
    (tmp_path / "sitecustomize.py").write_text(f"import tempfile; tempfile.tempdir = {directory!r}")
    monkeypatch.setenv("SITE", f"{tmp_path}:{Path(__file__).parent.parent}")

    (line,), errors = await finish(NO_DIRECTORY)

    assert ({"error": error, "hint": hint}, "") == (line, errors)


async def test_google_auth_must_not_be_imported_first() -> None:
    (line,), _ = await finish(TOO_LATE)

    assert {"error": "google-auth was imported before the demo could set its environment"} == line


def test_wrong_listen_address_is_said_before_anything_starts() -> None:
    with pytest.raises(ConfigError) as caught:
        run(listen="nonsense:x", token_life_s=60, run_proxy=lambda _settings, _ready: 0)

    assert 'command line: --listen: "x" is not a port; write a number from 0 to 65535' == str(
        caught.value
    )


ON_PORT = """
def proxy(settings, on_ready):
    say(listen=str(settings.listen[0]))
    return 0

run(listen=None, token_life_s=30, run_proxy=proxy)
"""


async def test_without_an_address_it_listens_where_the_port_variable_says() -> None:
    (line,), _ = await finish('import os\nos.environ["PORT"] = "9123"\n' + ON_PORT)

    assert {"listen": "localhost:9123"} == line


def test_a_port_variable_that_is_no_port_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "http")
    with pytest.raises(ConfigError) as caught:
        run(listen=None, token_life_s=60, run_proxy=lambda _settings, _ready: 0)

    assert "environment: PORT: must be a number from 0 to 65535: the port to listen on" == str(
        caught.value
    )


async def test_world_of_its_own_ends_on_sigterm() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "authproxy.demo", "60"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = json.loads(await process.stdout.readline())
    process.terminate()
    _, errors = await process.communicate()

    assert (0, b"") == (process.returncode, errors)
    assert {"url", "ca_file", "environment"} == line.keys()
    assert is_gone(line["ca_file"])
