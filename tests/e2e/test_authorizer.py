"""Proxies that exist, with authproxy as their authorizer, by the configurations of deploy/."""

import asyncio
import hashlib
import json
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from authproxy.demo.world import World
from authproxy.policy.messages.headers import FORWARDED
from tests.support import engines
from tests.support.behind import free_port
from tests.support.program import Program
from tests.support.raw import Call, raw_service

NAME = "billing.example.com"
KEY = "k" * 40
KEYS = f'[keys.k]\nsha256 = ["{hashlib.sha256(KEY.encode()).hexdigest()}"]\n'
CONFIG = """
listen = ["127.0.0.1:0"]
trusted_proxies = ["127.0.0.1"]
{top}
[authorizer]
{form} = "127.0.0.1:{port}"
[services.billing]
url = "{url}"
credentials = "metadata"
hosts = ["{name}"]
path = "/"
ca_file = "{ca_file}"
{service}
"""
ENGINES: dict[str, engines.Engine] = {
    "nginx": engines.nginx,
    "caddy": engines.caddy,
    "envoy": engines.envoy,
    "traefik": engines.traefik,
}
pytestmark = pytest.mark.outside
every_engine = pytest.mark.parametrize("engine", ENGINES)


@dataclass
class Front:
    """A proxy with its authorizer, as clients see it."""

    port: int
    program: Program
    session: aiohttp.ClientSession

    async def ask(
        self,
        path: str = "/",
        method: str = "GET",
        body: bytes | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> tuple[int, str, Mapping[str, str]]:
        headers = {"Host": NAME} | dict(fields or {})
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.request(method, url, headers=headers, data=body) as answer:
            return answer.status, await answer.text(), answer.headers

    async def echo(
        self, fields: Mapping[str, str], path: str = "/echo", method: str = "GET"
    ) -> Any:
        """What the service got."""
        status, text, _ = await self.ask(path, method, fields=fields)
        assert status == 200, text
        return json.loads(text)


def values(echoed: Any, name: str) -> list[str]:
    return [value for each, value in echoed["headers"] if each.lower() == name.lower()]


@asynccontextmanager
async def in_front(
    engine: str,
    folder: Path,
    world: World,
    *,
    top: str = "",
    service: str = "",
    edits: Mapping[str, str] = engines.AS_IT_IS,
) -> AsyncIterator[Front]:
    port, file = free_port(), folder / "authproxy.toml"
    more = {"top": top, "service": service, "name": NAME, "port": port}
    more["form"] = "grpc" if engine == "envoy" else "listen"
    file.write_text(CONFIG.format(url=world.url, ca_file=world.ca_file, **more))
    async with (
        Program("-c", file, environ=world.environment) as program,
        ENGINES[engine](folder, world, port, edits=edits) as front,
        aiohttp.ClientSession() as session,
    ):
        yield Front(front, program, session)


@every_engine
async def test_what_may_pass_reaches_the_service_with_a_token(
    engine: str, world: World, tmp_path: Path
) -> None:
    async with in_front(engine, tmp_path, world) as front:
        status, said, _ = await front.ask("/whoami")
        echoed = await front.echo({"X-Own": "kept"}, "/echo/a%2Fb//c?d=e", "POST")
        upload, sums, _ = await front.ask("/upload", "PUT", b"x" * 300_000)

    assert 200 == status
    assert said.startswith("demo@"), said
    assert ("POST", "/echo/a%2Fb//c?d=e") == (echoed["method"], echoed["target"])
    assert ["kept"] == values(echoed, "X-Own")
    [client] = values(echoed, "X-Forwarded-For")
    assert "127.0.0.1" == client.partition(",")[0]  # Cloud Run adds its peer
    assert (200, 300_000) == (upload, json.loads(sums)["bytes"])


@every_engine
async def test_the_clients_own_authorization_is_kept_and_the_token_stands_beside_it(
    engine: str, world: World, tmp_path: Path
) -> None:
    async with in_front(engine, tmp_path, world) as front:
        own = {"Authorization": "Basic bWU6bXk=", "X-Serverless-Authorization": "Bearer mine"}
        echoed = await front.echo(own)

    assert ["Basic bWU6bXk="] == values(echoed, "Authorization")
    assert 1 == len(values(echoed, "X-Serverless-Authorization"))
    assert "mine" not in values(echoed, "X-Serverless-Authorization")[0]


OWN_FIELD: Mapping[str, Mapping[str, str]] = {
    "nginx": {
        "# auth_request_set $token_own": "auth_request_set $token_own",
        "# proxy_set_header X-Own-Token": "proxy_set_header X-Own-Token",
    },
    "caddy": {
        "copy_headers Authorization": "copy_headers X-Own-Token Authorization",
        "header_regexp Connection (?i)authorization": (
            "header_regexp Connection (?i)authorization|x-own-token"
        ),
    },
    "envoy": {},
    "traefik": {
        "authResponseHeaders:": "authResponseHeaders:\n        - X-Own-Token",
    },
}
"""What the comments of each file say for a `token_header` of one's own."""


@every_engine
async def test_the_token_may_have_a_field_of_ones_own(
    engine: str, world: World, tmp_path: Path
) -> None:
    service = 'token_header = "X-Own-Token"'
    edits = OWN_FIELD[engine]
    async with in_front(engine, tmp_path, world, service=service, edits=edits) as front:
        own = {"X-Own-Token": "mine", "Authorization": f"Bearer {world.mint()}"}
        echoed = await front.echo(own)
        status, text, _ = await front.ask("/echo", fields={**own, "Connection": "X-Own-Token"})

    shown = ["Bearer (token)"]  # by the pretend Cloud Run, in place of any
    assert shown == values(echoed, "X-Own-Token")
    assert 1 == len(values(echoed, "Authorization"))
    assert [] == values(echoed, "X-Serverless-Authorization")
    assert 400 == status or shown == values(json.loads(text), "X-Own-Token")


@every_engine
async def test_a_clients_own_authorization_reaches_the_service_byte_for_byte(
    engine: str, world: World, tmp_path: Path
) -> None:
    own = "Basic ä:€".encode()
    lines = [b"GET /echo HTTP/1.1", b"Host: " + NAME.encode(), b"Connection: close"]
    head = b"\r\n".join([*lines, b"Authorization: " + own, b"", b""])
    async with in_front(engine, tmp_path, world) as front:
        reader, writer = await asyncio.open_connection("127.0.0.1", front.port)
        writer.write(head)
        answer = await reader.read()
        writer.close()

    assert b"200" == answer[9:12]
    got = [
        value
        for name, value in world.cloud_run.seen[-1].headers
        if name.lower() == b"authorization"
    ]
    assert [own] == got


@every_engine
async def test_what_only_proxies_say_does_not_pass_from_clients(
    engine: str, world: World, tmp_path: Path
) -> None:
    said = {
        **{name.decode(): "said-by-the-client" for name in FORWARDED},
        "forwarded": "for=10.9.8.7",
        "X-Forwarded-Method": "DELETE",
        "X-Forwarded-Uri": "/admin",
        "x-forwarded-prefix": "/admin",
        "x-forwarded-port": "10987",
        "Proxy-Authorization": "Basic bWU6bXk=",
    }
    async with in_front(engine, tmp_path, world) as front:
        echoed = await front.echo(said)

    passed = {name for name in said if said[name] in ", ".join(values(echoed, name))}
    assert set() == passed


async def test_fields_that_many_services_take_for_managed_ones_do_not_pass_traefik(
    world: World, tmp_path: Path
) -> None:
    said = {"X_Serverless_Authorization": "mine", "X.Api.Key": "mine", "X_Forwarded_For": "mine"}
    async with in_front("traefik", tmp_path, world) as front:
        echoed = await front.echo(said)

    assert "mine" not in [value for _, value in echoed["headers"]]


async def test_traefik_changes_nothing_in_a_target_but_semicolons_of_a_query(
    world: World, tmp_path: Path
) -> None:
    async with in_front("traefik", tmp_path, world) as front:
        echoed = await front.echo({}, "/echo//x/%2F;y?a;b=c&d")

    assert "/echo//x/%2F;y?a%3Bb=c&d" == echoed["target"]


@every_engine
async def test_nothing_passes_whose_token_the_client_has_taken_away(
    engine: str, world: World, tmp_path: Path
) -> None:
    async with in_front(engine, tmp_path, world) as front:
        before = len(world.cloud_run.seen)
        named = {"Connection": "Authorization, x-serverless-authorization"}
        status, text, _ = await front.ask("/whoami", fields=named)
        reached = len(world.cloud_run.seen) - before

    assert (200, "demo@") == (status, text[:5]) or (400, 0) == (status, reached)


REFUSED: dict[str, tuple[dict[str, str], str, str]] = {
    "path": ({}, "/admin/x", 'deny_paths = ["/admin"]'),
    "path in another spelling": ({}, "/x/../%61dmin", 'deny_paths = ["/admin"]'),
    "method": ({}, "/", 'methods = ["PUT"]'),
    "address": ({}, "/", 'deny = ["127.0.0.1"]'),
    "another site": ({"Origin": "https://evil.example"}, "/", ""),
    "name of no service": ({"Host": "evil.example"}, "/", ""),
    "what it says of the client": ({"X-Forwarded-For": "10.9.8.7"}, "/", 'allow = ["10.9.8.7"]'),
    "said by Forwarded": ({"Forwarded": "for=10.9.8.7"}, "/", 'allow = ["10.9.8.7"]'),
    "what it says of the method": ({"X-Forwarded-Method": "PUT"}, "/", 'methods = ["PUT"]'),
    "what it says of the target": ({"X-Forwarded-Uri": "/a"}, "/b", 'paths = ["/a"]'),
    "a preflight": (
        {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"},
        "/",
        'allow_origins = ["https://a.example"]',
    ),
}


@every_engine
@pytest.mark.parametrize("case", REFUSED)
async def test_who_is_refused_reaches_nothing_and_sees_no_token(
    engine: str, case: str, world: World, tmp_path: Path
) -> None:
    fields, path, service = REFUSED[case]
    method = "OPTIONS" if case == "a preflight" else "GET"
    async with in_front(engine, tmp_path, world, service=service) as front:
        before = len(world.cloud_run.seen)
        status, text, headers = await front.ask(path, method, fields=fields)

    assert status >= 400 or (case == "name of no service" and not text)  # Caddy's own answer
    assert before == len(world.cloud_run.seen)
    assert "eyJ" not in text + "".join(headers.values())


@every_engine
async def test_keys_open_and_do_not_reach_the_service(
    engine: str, world: World, tmp_path: Path
) -> None:
    async with in_front(engine, tmp_path, world, top="", service=KEYS) as front:
        without, _, _ = await front.ask("/whoami")
        wrong, _, _ = await front.ask("/whoami", fields={"X-Api-Key": "x" * 40})
        echoed = await front.echo({"X-Api-Key": KEY})

    assert (401, 401) == (without, wrong)
    assert [] == values(echoed, "X-Api-Key")


@every_engine
async def test_an_authorizer_that_is_down_lets_nothing_pass(
    engine: str, world: World, tmp_path: Path
) -> None:
    async with in_front(engine, tmp_path, world) as front:
        up, _, _ = await front.ask("/whoami")
        before = len(world.cloud_run.seen)
        front.program.signal(signal.SIGKILL)
        await front.program.wait()
        down, _, _ = await front.ask("/whoami")

    assert 200 == up
    assert 500 <= down < 600
    assert before == len(world.cloud_run.seen)


@every_engine
async def test_an_authorizer_that_does_not_answer_lets_nothing_pass(
    engine: str, world: World, tmp_path: Path
) -> None:
    async def hear(call: Call) -> None:
        await call.read_head()
        await call.reader.read()  # until the proxy has had enough

    wait_s = engines.TRAEFIK_WAIT_S if engine == "traefik" else 1
    before = len(world.cloud_run.seen)
    async with (
        raw_service(hear) as authorizer,
        ENGINES[engine](tmp_path, world, authorizer.port, wait_s=wait_s) as port,
        aiohttp.ClientSession() as session,
        asyncio.timeout(wait_s + 15),  # less than what is waited for in the files
        session.get(f"http://127.0.0.1:{port}/whoami", headers={"Host": NAME}) as answer,
    ):
        asked = len(authorizer.heads)

    assert 1 == asked
    assert 500 <= answer.status < 600
    assert before == len(world.cloud_run.seen)


@every_engine
async def test_a_token_that_cannot_be_had_lets_nothing_pass(
    engine: str, world: World, tmp_path: Path
) -> None:
    missing = 'impersonate = "nobody@nowhere.iam.gserviceaccount.com"'
    async with in_front(engine, tmp_path, world, service=missing) as front:
        before = len(world.cloud_run.seen)
        status, text, _ = await front.ask("/whoami")

    assert 500 <= status < 600
    assert "eyJ" not in text
    assert before == len(world.cloud_run.seen)


@every_engine
async def test_each_new_token_is_the_one_that_is_sent(
    engine: str, world: World, tmp_path: Path
) -> None:
    world.google.issuer.life_s = 4
    async with in_front(engine, tmp_path, world) as front:
        before, said = world.google.mints_of(world.url), list[int]()
        async with asyncio.timeout(30):
            while world.google.mints_of(world.url) < before + 2 or len(said) < 50:
                said.append((await front.ask("/whoami"))[0])
                await asyncio.sleep(0.05)

    assert {200} == set(said)


@every_engine
async def test_a_websocket_goes_both_ways(engine: str, world: World, tmp_path: Path) -> None:
    async with in_front(engine, tmp_path, world) as front:
        url = f"ws://127.0.0.1:{front.port}/ws"
        async with asyncio.timeout(20), front.session.ws_connect(url, headers={"Host": NAME}) as ws:
            await ws.send_str("hello")
            said = await ws.receive_str()

    assert "hello" == said


REFUSED_CALL = {
    "envoy": {grpc.StatusCode.PERMISSION_DENIED},
    # It gets a 403 with a text, of which grpcio sees now the status first and now the text.
    "traefik": {grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNKNOWN},
}


@pytest.mark.parametrize("engine", REFUSED_CALL)
async def test_calls_of_grpc_pass_and_hear_of_refusals(
    engine: str, world: World, tmp_path: Path
) -> None:
    rules = 'methods = ["POST"]\ndeny_paths = ["/grpc.health.v1.Health/Watch"]'
    async with in_front(engine, tmp_path, world, service=rules) as front:
        options = [("grpc.default_authority", NAME)]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{front.port}", options=options) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=20)
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await health.Watch(health_pb2.HealthCheckRequest(), timeout=20).read()

    assert health_pb2.HealthCheckResponse.SERVING == answer.status
    assert refusal.value.code() in REFUSED_CALL[engine]
    assert "path" in (refusal.value.details() or "") or engine == "traefik"
