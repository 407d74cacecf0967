"""An admin listener on a real socket, and a pretend inside for it."""

import socket
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from authproxy.admin.admin_key import AdminKey
from authproxy.admin.guard import AdminAccess
from authproxy.admin.inside import (
    ListenerState,
    Phase,
    RequestCounts,
    ServiceState,
)
from authproxy.admin.listener import IDLE_S, AdminListener
from authproxy.admin.views import View
from authproxy.config.changes import ReloadAnswer
from authproxy.exchange import Secret
from authproxy.identity.token_cache.lifetime import TokenState
from authproxy.identity.token_cache.status import TokenStatus, Trouble
from authproxy.policy.access.networks import Address, parse_peer
from authproxy.wire.status import ServerStatus

KEY = "the-key-of-this-test"
BEARER = {"Authorization": f"Bearer {KEY}"}
TROUBLE = Trouble(message="Google said no.", hint="Sign in again.", permanent=False)


def token_status(
    state: TokenState = TokenState.FRESH,
    *,
    trouble: Trouble | None = None,
    obtained: int = 1,
    minting: bool = False,
    next_try_at: float | None = None,
    principal: str = "me@x.example",
) -> TokenStatus:
    is_there = state is not TokenState.INVALID
    return TokenStatus(
        source="metadata",
        audience="https://a.example",
        principal=principal if obtained else "",
        state=state,
        expires_at=2e9 if is_there else None,
        stale_at=1.9e9 if is_there else None,
        obtained_at=1e9 if obtained else None,
        obtained=obtained,
        failures=int(trouble is not None),
        trouble=trouble,
        minting=minting,
        next_try_at=next_try_at,
    )


def service(name: str, *tokens: TokenStatus) -> ServiceState:
    return ServiceState(
        name=name, address=f"https://{name}.example", tokens=tokens or (token_status(),)
    )


@dataclass
class PretendInside:
    """Says what the test wants, and notes what it was asked to do."""

    states: Sequence[ServiceState] = field(default_factory=lambda: [service("a")])
    phase: Phase = "serving"
    status: ServerStatus | None = None
    counted: dict[str, RequestCounts] | None = None
    broken: dict[str, str] = field(default_factory=dict)
    """What is wrong with those that do not answer a deep check."""
    done: list[str] = field(default_factory=list)

    reload_problems: Sequence[str] = ()
    reloaded: ReloadAnswer = field(default_factory=ReloadAnswer)

    async def reload(self) -> ReloadAnswer:
        self.done.append("reload")
        return self.reloaded

    async def preview(self) -> ReloadAnswer:
        self.done.append("preview")
        return self.reloaded

    def listeners(self) -> Sequence[ListenerState]:
        return [ListenerState(url="http://127.0.0.1:8080", service=None)]

    def services(self) -> Sequence[ServiceState]:
        return self.states

    def server(self) -> ServerStatus | None:
        return self.status

    def counts(self) -> Mapping[str, RequestCounts] | None:
        return self.counted

    async def refresh(self) -> None:
        self.done.append("refresh")

    def retry(self, service: str) -> None:
        self.done.append(f"retry {service}")

    async def ask(self, service: str) -> str:
        self.done.append(f"ask {service}")
        return self.broken.get(service, "")

    def quit(self) -> None:
        self.done.append("quit")


@dataclass
class Admin:
    port: int
    listener: AdminListener
    session: aiohttp.ClientSession
    peer: list[Address | None]
    """Where clients are; this machine when empty."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ask(
        self, path: str, method: str = "GET", **headers: str
    ) -> tuple[int, dict[str, str], str]:
        """Status, fields with names in lower case, text. `Sec_Fetch_Site` is Sec-Fetch-Site."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.request(
            method, self.url + path, headers=fields, allow_redirects=False
        ) as answer:
            found = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, found, await answer.text()


@asynccontextmanager
async def admin_listener(
    views: Iterable[View], access: AdminAccess | None = None, *, idle_s: float = IDLE_S
) -> AsyncIterator[Admin]:
    peer: list[Address | None] = []
    listener = AdminListener(
        views,
        access or AdminAccess(),
        AdminKey(Secret(KEY)),
        idle_s=idle_s,
        read_peer=lambda name: peer[0] if peer else parse_peer(name),
    )
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    await listener.start([sock])
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Admin(sock.getsockname()[1], listener, session, peer)
    await listener.close()
