"""The admin listener of the whole program: when there is one, and what it does at the end."""

import asyncio
import json
import os
import re
import signal
import socket
from collections.abc import Mapping

import aiohttp
import pytest

from authproxy.runtime.admin import find_place, why_none
from authproxy.values import AdminSpec
from tests.support.configuring import URL, settings
from tests.support.program import Program
from tests.support.raw import OK, Call, always, raw_service

KEY = "a-key-of-sixteen-and-more"


@pytest.mark.parametrize(
    ("environ", "at_terminal", "expected"),
    [
        ({}, False, None),
        ({"AUTHPROXY_ADMIN": "off"}, True, None),
        ({"AUTHPROXY_ADMIN": "4041"}, True, ("localhost:4041", False, True)),
        ({"AUTHPROXY_ADMIN": "4041"}, False, ("localhost:4041", False, False)),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, True, None),
        ({"K_SERVICE": "proxy"}, True, None),
        ({"CI": "true"}, True, None),
    ],
)
def test_there_is_one_for_a_person_at_a_terminal_and_where_it_is_asked_for(
    environ: Mapping[str, str], at_terminal: bool, expected: tuple[str, bool, bool] | None
) -> None:
    found = settings(
        urls=[URL], environ={n: v for n, v in environ.items() if n.startswith("AUTHPROXY")}
    )
    place = find_place(found, at_terminal=at_terminal, environ=environ)

    shown = place and (str(place.listen), place.takes_next, place.shows_key)
    assert expected == shown


@pytest.mark.parametrize("environ", [{"CI": "1"}, {"K_SERVICE": "a"}, {"container": "podman"}])
def test_where_a_person_has_none_unasked_it_is_said_why(environ: dict[str, str]) -> None:
    [name] = environ

    assert (
        f"off in containers and CI ({name} is set); on with --admin 4040 --inspect"
    ) == why_none(settings(urls=[URL]), environ)
    for asked in ("off", "4041"):
        found = settings(urls=[URL], environ={"AUTHPROXY_ADMIN": asked})
        assert "" == why_none(found, environ)


@pytest.mark.parametrize("at_terminal", [False, True])
def test_that_of_a_program_is_there_wherever_it_runs(at_terminal: bool) -> None:
    found = settings(urls=[URL]).model_copy(update={"admin": AdminSpec("near")})
    place = find_place(found, at_terminal=at_terminal, environ={"CI": "true"})

    assert place is not None
    assert ("127.0.0.1:4040", True, at_terminal) == (
        str(place.listen),
        place.takes_next,
        place.shows_key,
    )


def program(service: str, *more: str, **environ: str) -> Program:
    return Program(
        service,
        *("--credentials", "none", "-l", "127.0.0.1:0", "--admin", "127.0.0.1:0"),
        *more,
        environ={"AUTHPROXY_ADMIN_KEY": "env:KEY", "KEY": KEY, **environ},
    )


async def admin_url(proxy: Program) -> str:
    return (await proxy.hear(r"^authproxy: admin: (\S+)$"))[1]


async def ask(url: str, method: str = "GET") -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, headers=headers) as answer,
    ):
        return answer.status, await answer.text()


async def test_quitting_lets_the_exchange_in_flight_finish_and_exits_with_zero() -> None:
    asked, goes_on = asyncio.Event(), asyncio.Event()

    async def talk(call: Call) -> None:
        await call.read_head()
        asked.set()
        await goes_on.wait()
        await call.say(OK)

    async with (
        raw_service(talk) as service,
        program(service.url, AUTHPROXY_ADMIN_QUIT="true") as proxy,
    ):
        url = await admin_url(proxy)
        before = await ask(f"{url}/readiness")
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asked.wait()
        quits = await ask(f"{url}/quitquitquit", "POST")
        await proxy.hear("stopping: 1 request in flight")
        draining = await ask(f"{url}/readiness")
        alive = await ask(f"{url}/liveness")
        goes_on.set()
        answer = await reader.read(-1)
        writer.close()

        assert 0 == await proxy.wait()
    assert answer.endswith(b"ok")
    assert [200, 200, 503, 200] == [each[0] for each in (before, quits, draining, alive)]
    assert '{"status": "draining"}\n' == draining[1]
    assert KEY not in proxy.stderr


async def test_a_signal_after_quitting_cuts_and_quitting_must_be_switched_on() -> None:
    async with raw_service(always(OK)) as service, program(service.url) as proxy:
        url = await admin_url(proxy)
        status, _ = await ask(f"{url}/quitquitquit", "POST")
        report = json.loads((await ask(f"{url}/api/status"))[1])
        proxy.signal(signal.SIGTERM)

        assert 143 == await proxy.wait()
    assert 404 == status
    assert [{"url": proxy.url, "service": None}] == report["listeners"]
    assert ["localhost"] == [each["name"] for each in report["services"]]


async def test_without_one_nothing_of_it_is_imported_and_nothing_said() -> None:
    async with (
        raw_service(always(OK)) as service,
        Program(
            service.url,
            *("--credentials", "none", "-l", "127.0.0.1:0"),
            environ={"PYTHONVERBOSE": "1"},
        ) as proxy,
    ):
        imported = re.findall(r"^import '([\w.]+)'", proxy.stderr, re.MULTILINE)

    assert "authproxy.runtime.admin" in imported
    assert not [
        each for each in imported if each.startswith(("aiohttp", "authproxy.admin.", "rich"))
    ]
    assert "admin:" not in proxy.stderr


async def test_a_taken_port_is_said_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with raw_service(always(OK)) as service:
            proxy = Program(
                service.url,
                *("--credentials", "none", "-l", "127.0.0.1:0", "--admin", f"127.0.0.1:{port}"),
            )
            with pytest.raises(AssertionError, match="the admin listener cannot listen on") as said:
                await proxy.__aenter__()
            assert "--admin PORT" in str(said.value)
            assert "--listen" not in str(said.value)
            assert 1 == await proxy.wait()


def test_the_process_that_runs_this_is_no_person(tmp_path: object) -> None:
    assert find_place(settings(urls=[URL]), at_terminal=False, environ=os.environ) is None
