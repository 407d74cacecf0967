"""Whether authproxy is ready, asked from outside: by kubelets, platforms, people and programs."""

import asyncio
import json
import os
import pty
import re
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from tests.support.program import Program, clean_environment, run_to_end
from tests.support.raw import OK, always, raw_service

KEY = "a-key-of-sixteen-and-more"
KUBELET = (
    b"GET /%b HTTP/1.1\r\nHost: 10.4.4.4:8080\r\nUser-Agent: kube-probe/1.31\r\nAccept: */*\r\n"
    b"Connection: close\r\n\r\n"
)
NO_TOKEN = ("--credentials", "token-file:/proc/nowhere/token")


async def say(port: int, *requests: bytes) -> bytes:
    """All that comes to `requests`, sent one after the other on one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = b""
    for request in requests:
        writer.write(request)
        async with asyncio.timeout(1):
            answers += await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return answers


def statuses(answers: bytes) -> list[int]:
    return [int(number) for number in re.findall(rb"^HTTP/1.1 (\d+)", answers, re.MULTILINE)]


async def admin_url(program: Program) -> str:
    return (await program.hear(r"^authproxy: admin: (\S+)$"))[1]


async def test_a_platform_may_ask_the_port_of_clients_and_no_service_hears_of_it() -> None:
    async with (
        raw_service(always(OK)) as service,
        Program(
            *(service.url, "--credentials", "none", "-l", "127.0.0.1:0", "--deny", "127.0.0.1"),
            environ={"AUTHPROXY_HEALTH_PATH": "/healthz"},
        ) as program,
    ):
        probe = await say(program.port, KUBELET % b"healthz")
        refused = await say(program.port, KUBELET % b"")

    assert [200, 403] == [*statuses(probe), *statuses(refused)]
    assert b"X-Authproxy-Answer: healthy\r\n" in probe
    assert [] == service.heads
    assert "/healthz" not in program.stderr


async def test_the_health_path_is_answered_among_requests_with_the_same_fields() -> None:
    """What was found out about fields is remembered, and must not lead past it."""
    request = b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n"
    paths = (b"/a", b"/up?x", b"/a", b"/upper", b"/up", b"/up")
    async with (
        raw_service(always(b"HTTP/1.1 204 No\r\n\r\n")) as service,
        Program(
            *(service.url, "--credentials", "none", "-l", "127.0.0.1:0"),
            environ={"AUTHPROXY_HEALTH_PATH": "/up"},
        ) as program,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", program.port)
        found = []
        for path in paths:
            writer.write(request % path)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"\r\nContent-Length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            found += statuses(head)
        writer.close()

    assert [204, 200, 204, 204, 200, 200] == found
    assert [b"/a", b"/a", b"/upper"] == [head.split()[1] for head in service.heads]


async def test_the_health_path_is_answered_over_http2_too() -> None:
    async with (
        raw_service(always(OK)) as service,
        Program(
            *(service.url, "--credentials", "none", "-l", "127.0.0.1:0"),
            environ={"AUTHPROXY_HEALTH_PATH": "/up"},
        ) as program,
    ):
        process = await asyncio.create_subprocess_exec(
            *("curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{http_version}"),
            *("--http2-prior-knowledge", f"{program.url}/up"),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()

    assert b"200 2" == out
    assert [] == service.heads


async def test_without_a_token_nothing_is_ready_and_status_says_why(tmp_path: Path) -> None:
    environ = {
        "AUTHPROXY_HEALTH_PATH": "/healthz",
        "AUTHPROXY_ADMIN": f"unix:{tmp_path}/admin.sock",
        "XDG_RUNTIME_DIR": str(tmp_path),
    }
    (tmp_path / "authproxy").mkdir(mode=0o700)
    async with (
        raw_service(always(OK)) as service,
        Program(f"a={service.url}", *NO_TOKEN, "-l", "127.0.0.1:0", environ=environ) as program,
    ):
        await program.hear("token")
        where = await admin_url(program)
        main = f"127.0.0.1:{program.port}"
        probe = await say(program.port, KUBELET % b"healthz")
        ready = await run_to_end("status", "--ready", environ=environ)
        table = await run_to_end("status", where, environ=environ)
        shown = await run_to_end("status", "--json", environ=environ)
        without = await run_to_end("status", where)
        of_main = await run_to_end("status", main)
        by_path = await run_to_end("status", "--ready", main, environ=environ)
        program.signal(signal.SIGTERM)
        await program.wait()

    assert [503] == statuses(probe)
    assert b"X-Authproxy-Error: not_ready\r\n" in probe
    assert [1, 0, 0, 0, 0, 1] == [
        code for code, _, _ in (ready, table, shown, without, of_main, by_path)
    ]
    assert {"status": "not ready"} == json.loads(ready[1].splitlines()[0])
    assert "/proc/nowhere/token" in ready[1].splitlines()[1]
    assert "a        no     -" in table[1]
    assert "a: " in table[1]
    assert not json.loads(shown[1])["ready"]
    assert "requires the admin key" in without[1]
    assert f"authproxy answers at {main}\n" == of_main[1]
    assert f"authproxy at {main} is not ready\n" == by_path[1]
    assert [] == service.heads
    assert [] == list((tmp_path / "authproxy").iterdir())


async def test_status_finds_the_one_that_runs_here_and_the_deep_check_asks_services(
    tmp_path: Path,
) -> None:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path), "AUTHPROXY_ADMIN_KEY": "env:KEY", "KEY": KEY}
    async with (
        raw_service(always(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")) as service,
        Program(
            *(f"a={service.url}", "--credentials", "none", "-l", "127.0.0.1:0"),
            *("--admin", "127.0.0.1:0"),
            environ=environ,
        ) as program,
        aiohttp.ClientSession() as session,
    ):
        url = await admin_url(program)
        found = await run_to_end("status", environ={"XDG_RUNTIME_DIR": str(tmp_path)})
        ready = await run_to_end("status", "--ready", environ={"XDG_RUNTIME_DIR": str(tmp_path)})
        with_key = await run_to_end(
            "status", url, "--json", environ={"AUTHPROXY_ADMIN_KEY": "env:KEY", "KEY": KEY}
        )
        async with session.get(f"{url}/readiness?deep=1") as answer:
            deep = [json.loads(line) for line in (await answer.text()).splitlines()]
            status = answer.status

    assert (0, 0, 0) == (found[0], ready[0], with_key[0])
    assert "is ready" in found[1]
    assert '{"status": "ready"}\n' == ready[1]
    assert (503, "The service answers 503.") == (status, deep[1]["why"])
    assert KEY not in found[1] + ready[1] + with_key[1] + program.stderr


@pytest.mark.parametrize("words", [("--nonsense",), ("a b",), ("1", "2")], ids=" ".join)
async def test_a_mistake_in_usage_has_a_code_of_its_own(words: tuple[str, ...]) -> None:
    code, out, err = await run_to_end("status", *words)

    assert 2 == code
    assert "Traceback" not in out + err


async def test_a_person_at_a_terminal_gets_an_address_with_a_key_that_opens_it() -> None:
    ours, theirs = pty.openpty()
    environ = clean_environment({"CI": "", "XDG_RUNTIME_DIR": "/proc/nowhere"})
    jar = aiohttp.CookieJar(unsafe=True)  # which keeps cookies of addresses, as browsers do
    async with (
        raw_service(always(OK)) as service,
        aiohttp.ClientSession(cookie_jar=jar) as session,
    ):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "authproxy", service.url, "--credentials", "none"),
            *("-l", "127.0.0.1:0", "--admin", "127.0.0.1:0"),
            env=environ,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        said = ""
        while not (line := re.search(r"authproxy: admin: (\S+)\s", said)):
            said += (await asyncio.to_thread(os.read, ours, 4096)).decode()
        url = line[1]
        async with session.get(url) as answer:
            path, status, page = answer.url.path_qs, answer.status, await answer.text()
        async with session.get(answer.url.join(URL("/api/status"))) as answer:
            report = await answer.json()
        async with session.post(url.partition("?")[0] + "quitquitquit") as answer:
            not_switched_on = answer.status
        process.terminate()
        assert 143 == await process.wait()
        os.close(ours)

    assert ("/", 200, True) == (path, status, report["ready"])
    assert "<title>authproxy</title>" in page
    assert 404 == not_switched_on
