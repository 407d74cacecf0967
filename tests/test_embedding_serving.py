import asyncio
import logging
import os
import subprocess
import sys
import threading
import urllib.request
from typing import Any

import aiohttp
import pytest

import authproxy
from authproxy.config.checks.listeners import TELLS_USERS_OF_TCP
from authproxy.embedding.serving import Serving, read_settings, serve
from authproxy.errors import ConfigError, StartError
from tests.support.auth_world import BOT, AuthWorld, auth_world, in_thread
from tests.support.program import clean_environment


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def serving(there: AuthWorld, services: Any = None, **settings: Any) -> Serving[Any]:
    given = {"credentials": there.credentials, "ca_file": there.world.ca_file, **settings}
    return serve(services or there.url, **given)


async def test_it_serves_while_it_is_entered_with_either_kind_of_with() -> None:
    async with auth_world() as there:
        made = serving(there)
        assert "<Serving service [not running]>" == repr(made).replace("localhost", "service")
        async with made as url, aiohttp.ClientSession() as http:
            assert url.startswith("http://127.0.0.1:")
            async with http.get(f"{url}/whoami") as answer:
                text = await answer.text()
            with pytest.raises(RuntimeError, match="is running already"):
                await made.__aenter__()

        def sync() -> None:
            with made as url:
                assert BOT == fetch(f"{url}/whoami").split()[0]
            with pytest.raises(OSError, match="refused"):
                fetch(url)

        await in_thread(sync)

    assert BOT == text.split()[0]
    assert "authproxy" not in [each.name for each in threading.enumerate()]


async def test_code_that_blocks_the_loop_reaches_it_all_the_same() -> None:
    """It has a loop of its own: only the pretend world must not stand still."""
    async with auth_world() as there:

        async def block() -> None:
            async with serving(there) as url:
                assert BOT == fetch(f"{url}/whoami").split()[0]

        await in_thread(lambda: asyncio.run(block()))


async def test_several_services_are_reached_by_name_each_with_its_own_settings() -> None:
    async with auth_world() as there:
        services = {"a": there.url, "b": {"url": there.stranger.url, "credentials": "none"}}
        async with serving(there, services) as urls:
            assert ["a", "b"] == [*urls]
            assert 2 == len(set(urls.values()))
            async with aiohttp.ClientSession() as http:
                for url in urls.values():
                    async with http.get(f"{url}/echo") as answer:
                        assert 200 == answer.status
        async with serving(there, {"only": there.url}) as urls:
            assert ["only"] == [*urls]
        async with serving(there, services, listen="127.0.0.1:0") as urls:
            assert ["a.localhost", "b.localhost"] == [
                url.split("/")[2].split(":")[0] for url in urls.values()
            ]

    assert [{}] == there.at_stranger
    assert "authorization" in there.at_service[0][1]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"credentials": "gclod"}, 'credentials: "gclod" is not a source of tokens'),
        ({"credential": "adc"}, 'credential: there is no such setting; did you mean "credent'),
        ({"log": {"level": "debug"}}, "log: has no effect here: the program's own logging has"),
        ({"listen": "0.0.0.0:0"}, "listen"),
        ({"timeouts": {"drain": "soon"}}, "timeouts.drain"),
    ],
)
def test_a_mistake_is_said_before_anything_starts(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        serve("https://service.example", **settings)

    assert str(caught.value).startswith(f"serve(): {said}")


async def test_what_cannot_start_says_so_and_leaves_nothing_behind() -> None:
    async with auth_world() as there, serving(there) as url:
        port = url.rpartition(":")[2]
        taken = serving(there, listen=f"127.0.0.1:{port}")
        with pytest.raises(StartError, match=port):
            await taken.__aenter__()
        with pytest.raises(StartError, match=port):
            await asyncio.to_thread(taken.__enter__)
        names = [each.name for each in threading.enumerate()]

    assert 1 == names.count("authproxy")


async def test_other_users_of_the_machine_are_not_let_in() -> None:
    ours, asked = read_settings("https://a.example", {}), {"listen": "127.0.0.1:0"}
    several = read_settings({"a": "https://a.example", "b": "https://b.example"}, {})
    listeners = [*ours.every_listener, *several.every_listener]

    assert [(os.geteuid(),) if TELLS_USERS_OF_TCP else ()] * 3 == [
        each.peer_uids for each in listeners
    ]
    assert [()] == [
        each.peer_uids for each in read_settings("https://a.example", asked).every_listener
    ]


async def test_nothing_of_the_process_is_touched() -> None:
    def state() -> tuple[object, ...]:
        logger = logging.getLogger("authproxy")
        return logging.root.handlers[:], logger.handlers[:], logger.level, os.environ.copy()

    before = state()
    async with auth_world() as there, serving(there):
        inside = state()

    assert before == inside == state()


def test_the_names_of_the_package_are_found_late_and_all_of_them() -> None:
    script = (
        "import sys, authproxy\n"
        "heavy = {'aiohttp', 'pydantic', 'google', 'click', 'asyncio', 'authproxy.embedding'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "print(authproxy.serve.__module__, authproxy.web.__module__, authproxy.auth.__name__)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], env=clean_environment(), capture_output=True, text=True
    )

    assert said.stdout.splitlines() == [
        "[]",
        "authproxy.embedding.serving authproxy.embedding.subapp authproxy.auth",
    ], said.stderr
    with pytest.raises(AttributeError, match="has no attribute 'serv'"):
        authproxy.serv  # type: ignore[attr-defined]  # noqa: B018 -- the mistake
    assert {"serve", "web", "auth", "ConfigError"} <= set(dir(authproxy))
