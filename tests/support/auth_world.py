"""The pretend world for programs in this process: a service account's key, and two services."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from authproxy.auth import ServiceAuth
from authproxy.demo import sample
from authproxy.demo.cloudrun import PretendCloudRun
from authproxy.demo.world import World

BOT = "bot@demo-project.iam.gserviceaccount.com"
FIELDS = ("authorization", "x-serverless-authorization", "x-token")


@dataclass(slots=True)
class AuthWorld:
    """`stranger` is a service like the other, which nobody names; everybody may call it."""

    world: World
    stranger: PretendCloudRun
    credentials: str
    at_stranger: list[dict[str, str]]
    """The fields for tokens in each request that it got."""
    at_service: list[tuple[str, dict[str, str]]]
    """The method and the fields for tokens of each request that the service let in."""

    @property
    def url(self) -> str:
        return self.world.url

    def auth(self, **settings: Any) -> ServiceAuth:
        return ServiceAuth(self.url, credentials=self.credentials, **settings)

    def to_stranger(self, status: int = 302) -> str:
        """An address at the service that leads to the stranger."""
        return f"{self.url}/redirect?status={status}&to={self.stranger.url}/echo"

    def revoke(self) -> None:
        """No token that was handed out so far is good any longer."""
        self.world.google.keys.revoke()

    @property
    def mints(self) -> int:
        return self.world.google.mints_of(self.url)


@asynccontextmanager
async def auth_world() -> AsyncIterator[AuthWorld]:
    at_stranger: list[dict[str, str]] = []
    at_service: list[tuple[str, dict[str, str]]] = []

    def tokens(request: web.Request) -> dict[str, str]:
        found = {name.lower(): value for name, value in request.headers.items()}
        return {name: found[name] for name in FIELDS if name in found}

    async def service(request: web.Request) -> web.StreamResponse:
        at_service.append((request.method, tokens(request)))
        return await sample.handle(request)

    async def stranger(request: web.Request) -> web.StreamResponse:
        at_stranger.append(tokens(request))
        return await sample.handle(request)

    async with World(token_life_s=600, app=service, invokers=[BOT]) as world:
        credentials = f"file:{world.service_account_file(BOT)}"
        other = await world.add_service("stranger", app=stranger, invokers=["allUsers"])
        yield AuthWorld(world, other, credentials, at_stranger, at_service)


async def in_thread(work: Callable[[], None]) -> None:
    """What blocks, beside the world, which runs in this loop."""
    await asyncio.to_thread(work)
