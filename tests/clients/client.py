"""One client of docs/clients.md: how it is run, on what service, and what is to come of it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from authproxy.demo import sample
from authproxy.demo.cloudrun import App

Service = Callable[[], AbstractAsyncContextManager[App]]


@asynccontextmanager
async def sample_app() -> AsyncIterator[App]:
    """What `authproxy demo` runs: echo, streams both ways, redirects, cookies, a WebSocket."""
    yield sample.handle


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    name: str
    """As in docs/clients.md."""
    script: str
    """In `scripts/`; its ending says what runs it."""
    says: tuple[str, ...]
    """All lines of its stdout when it went through authproxy."""
    fails: str
    """What the client itself says of the refusal when there is no token: a regular expression."""
    service: Service = sample_app
    """What runs on the pretend Cloud Run."""
    arguments: tuple[str, ...] = ()
    """For the script, after the address."""

    def __str__(self) -> str:
        return self.name
