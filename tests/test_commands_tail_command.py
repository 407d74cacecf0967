"""`authproxy tail` as users run it: beside an authproxy, through a pipe and at a terminal."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from authproxy.tasks import Tasks
from tests.support.behind import free_port
from tests.support.program import Program, run_to_end
from tests.support.raw import raw_service
from tests.support.tailing import Command


@asynccontextmanager
async def proxy(environ: dict[str, str], service: str, *more: str) -> AsyncIterator[Program]:
    async with Program(
        *(service, "--credentials", "none", "-l", "127.0.0.1:0", "--admin", "127.0.0.1:0"),
        *(more or ("--inspect",)),
        environ=environ,
    ) as program:
        yield program


async def ask(program: Program, path: str, **fields: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(URL(program.url + path, encoded=True), headers=fields) as answer,
    ):
        await answer.read()


async def knock(program: Program, tail: Command) -> None:
    """Ask until `tail`, which shows nothing of what was before it, has begun."""
    heard = Tasks().start(tail.hear("/knock[^\n]*\n"), name="heard")
    while not heard.done():
        await ask(program, "/knock")
        await asyncio.wait({heard}, timeout=0.05)
    await heard


async def ask_badly(program: Program, target: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", program.port)
    writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    await reader.read()
    writer.close()


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_RUNTIME_DIR": str(tmp_path)}


async def test_what_passes_has_a_line_each_in_whatever_form_it_is_wanted(
    environ: dict[str, str],
) -> None:
    async with raw_service() as service, proxy(environ, service.url) as program:
        await ask(program, "/earlier")
        async with (
            Command("tail", environ=environ) as plain,
            Command("tail", "--json", "-n", "0", environ=environ) as as_json,
            Command("tail", "--kind", "refused", environ=environ) as refused,
            Command(
                *("tail", "--text", "hostile"),
                environ={**environ, "TERM": "xterm"},
                at_terminal=True,
            ) as drawn,
        ):
            await plain.hear("/earlier\n")
            await drawn.hear("path")
            await knock(program, as_json)
            await ask(program, "/strange", Host="evil.example")
            await refused.hear("host_not_allowed\n")
            await ask_badly(program, b"/hostile-\xc2\x9b2J-\xe2\x80\xae")
            await ask(program, "/last?hostile")
            await plain.hear("/last")
            await as_json.hear("/last[^\n]*\n")
            await drawn.hear("/last")
            await refused.hear("host_not_allowed")
            for each in (plain, drawn):
                each.interrupt()
            as_json.close_output()
            codes = [await plain.wait(), await as_json.wait(), await drawn.wait()]

    assert [130, 0, 130] == codes
    assert ("", "") == (plain.noted, as_json.noted)
    assert "/earlier" == plain.said.splitlines()[0].split()[-1]
    assert all(each.isprintable() for each in plain.said.splitlines())
    rows = [json.loads(each) for each in as_json.said.splitlines()]
    assert "/last?hostile" == rows[-1]["target"]
    assert "/earlier" not in as_json.said
    assert "evil.example/strange" in refused.said
    assert "/last" not in refused.said
    assert "\x1b[32m200" in drawn.said
    assert "/earlier" not in drawn.said
    assert not {"\x9b", "\u202e"} & set(drawn.said + plain.said + as_json.said)


async def test_it_goes_on_after_a_restart_also_at_another_port(environ: dict[str, str]) -> None:
    async with raw_service() as service, Command("tail", environ=environ) as none_runs:
        assert 1 == await none_runs.wait()
        async with proxy(environ, service.url) as program:
            await ask(program, "/first")
            tail = Command("tail", environ=environ)
            await tail.__aenter__()
            await tail.hear("/first\n")
        await tail.hear_note("lost the connection to 127.0.0.1")
        async with proxy(environ, service.url) as program:
            await ask(program, "/second")
            await tail.hear("/second\n")
            await tail.hear_note("connected to 127.0.0.1")
        async with proxy(environ, service.url, "--no-inspect"):
            code = await tail.wait()
        await tail.__aexit__(None, None, None)

    assert none_runs.noted.startswith(
        "authproxy: nothing answers at localhost:8080: Connection refused; is authproxy running?"
    )
    assert 1 == code
    assert "records nothing; start authproxy with --admin 4040 --inspect, or at" in tail.noted
    assert 1 == tail.said.count("/first")


async def test_a_reader_that_goes_ends_it_while_it_waits_for_a_restart(
    environ: dict[str, str],
) -> None:
    async with raw_service() as service:
        async with proxy(environ, service.url) as program:
            tail = Command("tail", environ=environ)
            await tail.__aenter__()
            await ask(program, "/a")
            await tail.hear("/a\n")
        await tail.hear_note("lost")
        tail.close_output()
        code = await tail.wait()
        await tail.__aexit__(None, None, None)

    assert 0 == code
    assert "Traceback" not in tail.noted


async def test_a_pause_of_the_recording_is_said(environ: dict[str, str]) -> None:
    key = {"AUTHPROXY_ADMIN_KEY": "env:KEY", "KEY": "the-admin-key-of-this-test"}
    port = free_port()
    pause = f"http://127.0.0.1:{port}/api/exchanges/pause"
    async with (
        raw_service() as service,
        Program(
            *(service.url, "--credentials", "none", "-l", "127.0.0.1:0", "--inspect"),
            *("--admin", f"127.0.0.1:{port}"),
            environ={**environ, **key},
        ) as program,
        Command(
            "tail", f"127.0.0.1:{port}", environ={"XDG_RUNTIME_DIR": "/proc/nowhere", **key}
        ) as tail,
        aiohttp.ClientSession() as session,
    ):
        await ask(program, "/a")
        await tail.hear("/a\n")
        headers = {"Authorization": f"Bearer {key['KEY']}"}
        async with session.post(pause, headers=headers) as answer:
            assert 200 == answer.status
        await tail.hear_note("authproxy: recording is paused\n")


async def test_what_cannot_be_followed_is_said_with_what_to_do(environ: dict[str, str]) -> None:
    async with raw_service() as service, proxy(environ, service.url) as first:
        unreadable = await run_to_end("tail", "--status", "x", environ=environ)
        for_clients = await run_to_end("tail", f"127.0.0.1:{first.port}", environ={})
        another = await run_to_end("tail", service.url, environ=environ)
        admin = (await first.hear(r"admin: http://(\S+)"))[1]
        stranger = await run_to_end("tail", admin, environ={"XDG_RUNTIME_DIR": "/proc/nowhere"})
        no_address = await run_to_end("tail", "a b", environ=environ)
        async with proxy(environ, service.url, "--no-inspect") as second:
            several = await run_to_end("tail", environ=environ)
            off = await run_to_end(
                "tail", (await second.hear(r"admin: http://(\S+)"))[1], environ=environ
            )

    found = [unreadable, for_clients, another, stranger, no_address, several, off]
    assert [2, 1, 1, 1, 2, 2, 1] == [code for code, _, _ in found]
    assert [""] * 7 == [out for _, out, _ in found]
    assert [1] * 7 == [err.count("\n") for _, _, err in found]
    assert "status='x' cannot be read. Write as in 404" in unreadable[2]
    assert "is a listener for clients" in for_clients[2]
    assert "--admin 4040 --inspect" in for_clients[2]
    assert "is not authproxy" in another[2]
    assert "requires the admin key: run this as the same user" in stranger[2]
    assert "several run here; say which: authproxy tail 127.0.0.1:" in several[2]
    assert "records nothing; start authproxy" in off[2]
