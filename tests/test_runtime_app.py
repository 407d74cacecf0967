"""The whole program as a process: start, ready line, signals, drain, and what goes wrong then."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from authproxy.demo.world import World
from tests.support.connecting import connect_proxy
from tests.support.program import Program, clean_environment, run_to_end
from tests.support.raw import OK, Call, always, raw_service
from tests.support.talking import read_answer, until


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World() as world:
        yield world


async def get(url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.text()


def through(world: World, *more: str | Path, listen: str = "127.0.0.1:0") -> Program:
    """A proxy in front of the world's service, with the metadata server's identity."""
    return Program(
        world.url,
        *("--ca-file", world.ca_file, "--credentials", "metadata", "-l", listen),
        *more,
        environ=world.environment,
    )


async def test_request_through_the_proxy_is_let_in(world: World) -> None:
    async with through(world) as program:
        status, text = await get(f"{program.url}/whoami")

    assert status == 200
    assert "demo@authproxy-demo.iam.gserviceaccount.com" in text


async def test_localhost_means_both_addresses_on_one_port(world: World) -> None:
    async with through(world, listen="localhost:0") as program:
        four = await get(f"http://127.0.0.1:{program.port}/status/204")
        six = await get(f"http://[::1]:{program.port}/status/204")

    assert (four[0], six[0]) == (204, 204)


async def test_unix_socket_is_for_its_owner_only(world: World, tmp_path: Path) -> None:
    path = tmp_path / "proxy.sock"
    async with through(world, listen=f"unix:{path}") as program:
        mode = path.stat().st_mode & 0o777
        connector = aiohttp.UnixConnector(str(path))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get("http://localhost/status/200") as answer,
        ):
            status = answer.status

    assert program.urls == [f"unix:{path}"]
    assert (mode, status) == (0o600, 200)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["term", "int"]
)
async def test_signal_lets_the_exchange_in_flight_finish(number: signal.Signals, code: int) -> None:
    asked, goes_on = asyncio.Event(), asyncio.Event()

    async def talk(call: Call) -> None:
        await call.read_head()
        asked.set()
        await goes_on.wait()
        await call.say(OK)

    async with (
        raw_service(talk) as service,
        Program(service.url, "--credentials", "none", "-l", "127.0.0.1:0") as program,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", program.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await writer.drain()
        await asked.wait()
        program.signal(number)
        await program.hear(
            "stopping: 1 request in flight; waiting up to 9 s; Ctrl-C again quits now$"
        )
        goes_on.set()
        answer = await reader.read(-1)
        writer.close()

        assert await program.wait() == code
    assert answer.endswith(b"Connection: close\r\n\r\nok")


async def test_second_signal_cuts_what_is_in_flight() -> None:
    asked = asyncio.Event()

    async def talk(call: Call) -> None:
        await call.read_head()
        asked.set()
        await call.reader.read(1)

    async with (
        raw_service(talk) as service,
        Program(service.url, "--credentials", "none", "-l", "127.0.0.1:0") as program,
    ):
        _, writer = await asyncio.open_connection("127.0.0.1", program.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await writer.drain()
        await asked.wait()
        program.signal(signal.SIGTERM)
        await program.hear("stopping")
        program.signal(signal.SIGTERM)

        assert await program.wait() == 143
        writer.close()


async def test_taken_port_is_said_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, stderr = await run_to_end(
            "http://127.0.0.1:9", "--credentials", "none", "-l", f"127.0.0.1:{port}"
        )

    assert code == 1
    assert stderr == (
        f"authproxy: cannot listen on 127.0.0.1:{port}: Address already in use\n"
        f"authproxy: Another program, perhaps another authproxy, uses port {port}."
        " Choose another one with --listen PORT, or --listen 0 for any free one.\n"
    )


async def test_a_connection_to_the_service_stands_before_the_first_request() -> None:
    connected = asyncio.Event()

    async def talk(call: Call) -> None:
        connected.set()
        await always(OK)(call)

    async with (
        raw_service(talk) as service,
        Program(service.url, "--credentials", "none", "-l", "127.0.0.1:0") as program,
    ):
        async with asyncio.timeout(10):
            await connected.wait()
        assert [] == service.heads
        assert (200, "ok") == await get(program.url)

    assert 1 == len(service.calls)


async def test_services_are_reached_through_the_egress_proxy_that_is_set(world: World) -> None:
    async with connect_proxy(user="me:hunter2") as egress:
        environ = {
            **world.environment,
            "WAY_OUT": egress.url.replace("//", "//me:hunter2@"),
            "AUTHPROXY_SERVICES_A_EGRESS_PROXY": "env:WAY_OUT",
        }
        async with Program(
            f"a={world.url}",
            *("--ca-file", world.ca_file, "--credentials", "metadata", "-l", "127.0.0.1:0"),
            environ=environ,
        ) as program:
            status, _ = await get(f"{program.url}/whoami")
            await program.hear(f"egress proxy {egress.url} \\(named by env:WAY_OUT\\) for a$")

    assert 200 == status
    assert {f"CONNECT {world.url.removeprefix('https://')} HTTP/1.1".encode()} == {
        head.split(b"\r\n")[0] for head in egress.heads
    }
    assert "hunter2" not in program.stderr


async def test_service_that_is_down_is_a_502_that_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    async with Program(
        f"http://127.0.0.1:{port}", "--credentials", "none", "-l", "127.0.0.1:0"
    ) as program:
        status, text = await get(program.url)

    assert status == 502
    assert text.startswith(
        f"http://127.0.0.1:{port} cannot be reached.\n"
        "Is the service running, and are its address and port right?\n"
    )


async def test_untrusted_certificate_is_a_502_that_says_so(world: World) -> None:
    token = world.mint()
    async with Program(
        world.url,
        *("--credentials", "token-env:TOKEN", "-l", "127.0.0.1:0"),
        environ={"TOKEN": token},
    ) as program:
        status, text = await get(program.url)

    assert status == 502
    assert text.startswith(f"The certificate of {world.url} is not trusted: ")
    assert "--ca-file" in text
    assert token not in text + program.stderr


async def test_no_token_is_a_503_and_nothing_is_sent(world: World) -> None:
    world.google.metadata.down()
    async with (
        through(world) as program,
        aiohttp.ClientSession() as session,
        session.get(program.url, headers={"Accept": "application/json"}) as answer,
    ):
        status, retry_after = answer.status, answer.headers["Retry-After"]
        body = await answer.json()

    assert (status, body["error"]) == (503, "token_unavailable")
    assert int(retry_after) > 0
    assert body["hint"]
    assert not world.cloud_run.seen


async def test_runs_without_home_in_an_empty_folder(world: World, tmp_path: Path) -> None:
    async with through(world, "-c", "/dev/null") as program:
        status, _ = await get(f"{program.url}/status/200")

    assert "HOME" not in program.environ
    assert status == 200


async def test_ca_file_that_is_none_is_a_start_error(world: World, tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("not a certificate")
    code, _, stderr = await run_to_end(world.url, "--ca-file", wrong, "--credentials", "none")

    assert code in (1, 2)
    assert str(wrong) in stderr
    assert "PEM" in stderr
    assert "Traceback" not in stderr


async def test_api_key_reaches_the_service_and_nobody_else(tmp_path: Path) -> None:
    secret = "k3y-of-the-service"
    (tmp_path / "key").write_text(f"{secret}\n")
    for reference in ("env:SERVICE_KEY", f"file:{tmp_path / 'key'}"):
        async with (
            raw_service() as service,
            Program(
                service.url,
                *("--credentials", "none", "--api-key", reference, "-l", "127.0.0.1:0"),
                environ={"SERVICE_KEY": secret, "AUTHPROXY_LOG_LEVEL": "debug"},
            ) as program,
        ):
            status, text = await get(program.url)
            shown = program.shown_by_ps()

        assert (status, text) == (200, "ok")
        assert f"X-Api-Key: {secret}\r\n".encode() in service.heads[0]
        assert secret not in shown + program.stderr


def answers_at(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


async def test_stuck_reader_of_the_log_holds_up_no_request() -> None:
    """More than a pipe holds is logged, and nobody reads it."""
    read_end, write_end = os.pipe()
    async with raw_service() as service:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "authproxy", service.url, "--credentials", "none"),
            *("-l", "127.0.0.1:0", "--log-format", "json"),
            env=clean_environment(),
            stderr=write_end,
        )
        os.close(write_end)
        with os.fdopen(read_end, "rb", buffering=0) as log:
            ready = await asyncio.to_thread(log.readline)
            port = int(ready.split()[1].rpartition(b":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(400):
                writer.write(b"GET /%b HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"x" * 200))
                assert OK == b"".join(await read_answer(reader))
            writer.close()
            process.terminate()
            rest = await asyncio.to_thread(log.read, -1)

        assert 143 == await process.wait()
    assert 400 == rest.count(b'"path": "/xxx')
    assert all(json.loads(line) for line in rest.splitlines() if line.startswith(b"{"))


@pytest.mark.parametrize("stderr", ["2>&-", "2>/dev/full"], ids=["closed", "full disk"])
async def test_stderr_that_takes_nothing_stops_nothing(stderr: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with raw_service() as service:
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", f'exec "$@" {stderr}', "sh", sys.executable, "-m", "authproxy"),
            *(service.url, "--credentials", "none", "-l", f"127.0.0.1:{port}"),
            env=clean_environment(),
        )
        await until(lambda: answers_at(port))
        answers = [await get(f"http://127.0.0.1:{port}") for _ in range(3)]
        process.terminate()

        assert 143 == await process.wait()
    assert [(200, "ok")] * 3 == answers


MEMORY = """
import asyncio, gc, os, signal
from authproxy.config.loading import load
from authproxy.runtime import app

def look():
    print(gc.get_freeze_count() > 0)
    os.kill(os.getpid(), signal.SIGTERM)

flags = {"--listen": "127.0.0.1:0", "--credentials": "none"}
settings = load(urls=["http://127.0.0.1:9"], file=None, flags=flags, environ={})
app.run(settings, lambda urls: asyncio.get_running_loop().call_soon(look))
print(gc.get_freeze_count() > 0)
"""


async def test_memory_is_given_back_while_it_runs() -> None:
    """What does that puts aside what was there before it, for as long as it goes on."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", MEMORY),
        env=clean_environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await process.communicate()

    assert ["True", "False"] == out.decode().split()
