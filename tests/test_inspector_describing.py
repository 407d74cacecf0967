"""A gRPC client, authproxy, and a service that describes itself: what is kept of its messages."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from grpc import aio

from authproxy.errors import CredentialError
from authproxy.inspector.assembly import Recording, build_recording
from authproxy.inspector.describing import DescriptionApi
from authproxy.inspector.reflection import ReflectionTarget
from authproxy.inspector.views.detail import detail
from authproxy.inspector.views.har import entry
from tests.support.grpc_service import Account, GrpcService, grpc_service
from tests.support.proxying import RunningProxy, proxying

SECRET = "hunter2-hunter2"


@dataclass
class Setup:
    recording: Recording
    proxy: RunningProxy
    service: GrpcService
    channel: Any
    client: TestClient[web.Request, web.Application]

    async def call(self) -> Any:
        """What is shown of a call that has just been made."""
        asked = Account(name="Ada", password=SECRET, kind=2)
        assert asked == await self.service.call(self.channel)(asked)
        await self.proxy.heard.wait_for(1)
        return self.shown()

    def shown(self) -> Any:
        return detail(next(self.recording.store.newest_first()))

    async def describe(self, number: object, status: int = 200) -> Any:
        answer = await self.client.post(f"/api/exchanges/{number}/description")
        assert status == answer.status
        return await answer.json()


@asynccontextmanager
async def describing(
    *versions: str, bodies: bool = True, is_allowed: bool = True
) -> AsyncIterator[Setup]:
    recording = build_recording(
        memory=2**25, body_bytes=2**16, with_content=["service"] if bodies else []
    )
    async with (
        grpc_service(*versions) as service,
        proxying(f"http://127.0.0.1:{service.port}", first=recording.observers) as proxy,
        aio.insecure_channel(f"127.0.0.1:{proxy.port}") as channel,
    ):

        async def reach(name: str) -> ReflectionTarget:
            assert "service" == name
            if not is_allowed:
                raise CredentialError("No token.", hint="Sign in.")
            return ReflectionTarget(connector=proxy.pool.connector, headers=())

        app = web.Application()
        for view in DescriptionApi(recording, reach).views():
            assert not view.is_open
            app.router.add_route(view.method, view.path, view.handler)
        async with TestClient(TestServer(app)) as client:
            yield Setup(recording, proxy, service, channel, client)


def messages(shown: Any) -> list[Any]:
    return [
        json.loads(each["text"])
        for side in (shown["request"], shown["answer"])
        for each in side["body"]["messages"]
    ]


async def test_messages_have_names_once_somebody_has_looked_at_such_a_call() -> None:
    async with describing("v1") as setup:
        before = await setup.call()
        said = [await setup.describe(before["id"]) for _ in range(2)]
        after = await setup.call()
        record = next(setup.recording.store.newest_first())
        in_har: Any = entry(record)

    assert [{"described": True, "why": ""}] * 2 == said
    assert 1 == len(setup.service.told), "the second time the answer was known"
    assert 2 == len(messages(before)) == len(messages(after))
    assert {"#1", "#2", "#3"} == set(messages(before)[0])
    for found in messages(after):
        assert ("Ada", "BUSINESS") == (found["name"], found["kind"])
        assert found["password"].startswith("[redacted:")
    assert SECRET not in json.dumps([before, after, in_har])
    assert "BUSINESS" in in_har["response"]["content"]["text"]
    assert "BUSINESS" in in_har["request"]["postData"]["text"]


async def test_a_service_without_reflection_is_not_asked_again_at_once() -> None:
    async with describing() as setup:
        shown = await setup.call()
        said = [await setup.describe(shown["id"]) for _ in range(2)]

    assert said[0] == said[1]
    assert "has no reflection" in said[0]["why"]
    assert not said[0]["described"]


async def test_what_has_no_messages_of_grpc_is_told() -> None:
    async with describing("v1", bodies=False) as setup:
        await setup.call()
        for number in (setup.shown()["id"], 999):
            said = await setup.describe(number, 404)
            assert "No messages of gRPC" in said["message"]


async def test_trouble_with_the_token_is_told_with_what_to_do() -> None:
    async with describing("v1", is_allowed=False) as setup:
        shown = await setup.call()
        said = await setup.describe(shown["id"], 503)

    assert ("No token.", "Sign in.") == (said["message"], said["hint"])
