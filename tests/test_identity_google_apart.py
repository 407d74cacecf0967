"""Real google-auth in a process apart, against the pretend Google."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from authproxy.demo.accounts import METADATA_EMAIL
from authproxy.demo.world import World
from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.identity.apart.helper import Helper, command_for
from authproxy.identity.apis.client import ApiRefusedError, GoogleApi
from authproxy.identity.clock_skew import Skew
from authproxy.identity.google import MODULE
from authproxy.identity.google.apart import (
    get,
    mint,
    read_egress,
    read_order,
    written_order,
)
from authproxy.identity.google.credentials import METADATA, Info, Order, read_info
from authproxy.identity.google.egress import AS_ENVIRONMENT, Egress
from authproxy.identity.google.google_source import Google
from authproxy.values import EgressSpec, parse_egress_url
from tests.support.answering import answering
from tests.support.program import is_running, wait_until_gone

RUNNER = "runner@p.iam.gserviceaccount.com"
TARGET = "target@p.iam.gserviceaccount.com"
USER = "me@x.example"


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with World() as world:
        for name, value in world.environment.items():
            monkeypatch.setenv(name, value)
        world.google.accounts.allow_acting_as(TARGET, by=RUNNER)
        yield world


@pytest.fixture
def helper(world: World) -> Iterator[Helper]:
    helper = Helper(MODULE)
    yield helper
    helper.end()


def source(
    find: Callable[[], Info], helper: Helper | None, skew: Skew | None = None, **more: Any
) -> Google:
    return Google("file:k.json", find, skew=skew or Skew(), helper=helper, **more)


def given(info: Info) -> Callable[[], Info]:
    return lambda: info


async def failure(google: Google, audience: str) -> tuple[object, ...]:
    with pytest.raises(CredentialError) as caught:
        await asyncio.to_thread(google.mint, audience)
    error = caught.value
    return error.message, error.hint, error.detail, error.permanent, error.code, error.retry_after_s


async def test_tokens_are_the_same_as_those_of_this_process(world: World, helper: Helper) -> None:
    key = read_info(world.service_account_file(RUNNER), "k")
    user = read_info(world.user_adc_file(USER), "u")
    finds: dict[str, tuple[Info, dict[str, Any]]] = {
        "key": (key, {}),
        "user": (user, {}),
        "as": (key, {"impersonate": TARGET}),
        "wif": (read_info(world.wif_file(TARGET), "w"), {"impersonate": TARGET}),
    }
    world.google.accounts.allow_acting_as(
        TARGET,
        by="principal://iam.googleapis.com/projects/123456789012/locations/global"
        "/workloadIdentityPools/demo/subject/workload",
    )
    for name, (info, more) in finds.items():
        apart = await asyncio.to_thread(source(given(info), helper, **more).mint, world.url)
        here = await asyncio.to_thread(source(given(info), None, **more).mint, world.url)

        assert (here.principal, here.audience, here.source) == (
            apart.principal,
            apart.audience,
            apart.source,
        ), name
        assert abs(here.expires_at - apart.expires_at) < 60
        assert "eyJ" == apart.value.reveal()[:3]
        assert "eyJ" not in repr(apart)


async def test_the_metadata_server_is_asked_from_there(world: World, helper: Helper) -> None:
    """google-auth reads the variables that name it when it is imported: there it is anew."""
    token = await asyncio.to_thread(source(lambda: METADATA, helper).mint, world.url)

    assert METADATA_EMAIL == token.principal


async def test_access_tokens_and_what_they_open_are_fetched_from_there(
    world: World, helper: Helper
) -> None:
    key = read_info(world.service_account_file(RUNNER), "k")
    google = source(lambda: key, helper, scopes=["https://www.googleapis.com/auth/cloud-platform"])
    api = GoogleApi(google, Skew(), helper=helper)
    secret = "https://secretmanager.googleapis.com/v1/projects/p/secrets/none/versions/1:access"

    with pytest.raises(ApiRefusedError) as caught:
        await asyncio.to_thread(api.get, secret, api="Secret Manager")

    assert RUNNER == caught.value.principal
    assert caught.value.status in (403, 404)


async def test_errors_are_the_same_as_those_of_this_process(world: World, helper: Helper) -> None:
    accounts = world.google.accounts
    path = world.service_account_file(RUNNER)
    key = read_info(path, "k")
    accounts.replace_key(RUNNER)
    nowhere = parse_egress_url("http://127.0.0.1:9")
    cases: dict[str, tuple[Info, dict[str, Any]]] = {
        "deleted key": (key, {}),
        "cut file": ({"type": "service_account", "client_email": RUNNER}, {}),
        "unknown type": ({"type": "gdch"}, {}),
        "unreachable": (key, {"egress": nowhere}),
        "nobody may act": (
            read_info(world.user_adc_file("other@x.example"), "u"),
            {"impersonate": TARGET},
        ),
    }
    for name, (info, more) in cases.items():
        apart = await failure(source(given(info), helper, **more), world.url)
        here = await failure(source(given(info), None, **more), world.url)

        assert here == apart, name


def test_what_answers_say_of_the_time_is_learnt() -> None:
    helper, skew = Helper("", command=answering("always", "ahead")), Skew()

    answer = get("https://a", {}, api="x", skew=skew, egress=AS_ENVIRONMENT, helper=helper)

    helper.end()
    assert 200 == answer.status
    assert 90 < skew.offset_s < 110


def shown_of(pid: int) -> Callable[[str], bytes]:
    return lambda name: Path(f"/proc/{pid}/{name}").read_bytes()


async def test_it_is_shown_in_neither_arguments_nor_environment(
    world: World, helper: Helper
) -> None:
    key = read_info(world.service_account_file(RUNNER), "k")

    token = await asyncio.to_thread(source(lambda: key, helper).mint, world.url)

    (pid,) = helper.pids
    shown = b"".join(map(shown_of(pid), ["cmdline", "environ"]))
    assert str(key["private_key"])[60:100].encode() not in shown
    assert token.value.reveal().encode() not in shown


async def test_google_auth_stays_out_of_the_process_that_asks(world: World) -> None:
    """Nor does anything that it brings."""
    path = world.service_account_file(RUNNER)
    program = f"""
import sys
from pathlib import Path
from typing import Any
from authproxy.identity.apart.helper import Helper
from authproxy.identity.clock_skew import Skew
from authproxy.identity.google import MODULE
from authproxy.identity.google.credentials import read_info
from authproxy.identity.google.google_source import Google
helper = Helper(MODULE)
google = Google("k", lambda: read_info(Path({str(path)!r}), "k"), skew=Skew(), helper=helper)
print(google.mint({world.url!r}).principal)
helper.end()
print(*sorted({{"google", "requests", "urllib3", "cryptography", "pydantic"}} & {{*sys.modules}}))
"""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )

    assert [RUNNER, ""] == done.stdout.splitlines(), done.stderr


PARENT = """
import sys, threading
from authproxy.identity.apart.helper import Helper
from authproxy.identity.google import MODULE
helper = Helper(MODULE)
question = {"get": {"url": sys.argv[1], "fields": {}, "api": "x", "egress": {"kind": "none"}}}
threading.Thread(target=helper.ask, args=[{**question, "offset_s": 0}], daemon=True).start()
while not helper.pids: pass
print(*helper.pids, flush=True)
threading.Event().wait()
"""


async def test_it_is_gone_when_its_parent_was_killed_whatever_it_waits_for() -> None:
    asked = asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PARENT, f"http://127.0.0.1:{port}/"), stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    async with asyncio.timeout(60):
        await asked.wait()

    parent.send_signal(signal.SIGKILL)
    await parent.wait()

    await asyncio.to_thread(wait_until_gone, pid)
    server.close()


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("die", "k: the process that fetches tokens has ended (it was ended by SIGKILL)"),
        ("answer", "k: the process that fetches tokens gave something that is no answer"),
    ],
)
def test_what_is_wrong_with_the_process_is_said_with_what_to_do(what: str, message: str) -> None:
    helper = Helper("", command=answering("always", what))
    order = Order(source="k", audience="https://a", info=METADATA)

    with pytest.raises(CredentialError) as caught:
        mint(order, Skew(), helper)

    helper.end()
    assert message == caught.value.message
    assert caught.value.hint
    assert not caught.value.permanent


def test_what_takes_too_long_is_said() -> None:
    helper = Helper("", deadline_s=2.0, command=answering("always", "hang"))

    with pytest.raises(CredentialError) as caught:
        get("https://a", {}, api="An API", skew=Skew(), egress=AS_ENVIRONMENT, helper=helper)

    helper.end()
    assert "An API has not answered within 2 seconds" == caught.value.message


async def test_where_no_process_can_be_had_this_one_mints(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    helper = Helper(MODULE, command=lambda module: command_for(module, "/proc/nowhere/python"))
    key = read_info(world.service_account_file(RUNNER), "k")
    tokens: list[Token] = [
        await asyncio.to_thread(source(lambda: key, helper).mint, world.url) for _ in range(2)
    ]

    assert [RUNNER, RUNNER] == [token.principal for token in tokens]
    (line,) = [text for text in caplog.messages if "fetched in this process" in text]
    assert "no other process can be started (/proc/nowhere/python: No such file" in line


@pytest.mark.parametrize(
    "egress",
    [
        AS_ENVIRONMENT,
        EgressSpec("none"),
        parse_egress_url("https://me:p%40ss@proxy.example:3128"),
        parse_egress_url("http://[::1]:8080"),
    ],
)
def test_an_order_arrives_as_it_was_given(egress: Egress) -> None:
    for info in (METADATA, {"type": "service_account", "client_email": "a@b"}):
        order = Order(
            source="k",
            audience="https://a",
            info=info,
            impersonate=TARGET,
            delegates=["b@c"],
            scopes=["s"],
            egress=egress,
        )

        read = read_order(json.loads(json.dumps(written_order(order))))

        assert order == read
        assert (info is METADATA) == (read.info is METADATA)
        assert egress == read_egress(json.loads(json.dumps(written_order(order)))["egress"])
        assert is_running(os.getpid())
