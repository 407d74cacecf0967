"""Narrow views of the running proxy for the admin listener; `runtime` fills them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from authproxy.config.changes import ReloadAnswer
from authproxy.identity.token_cache.status import TokenStatus
from authproxy.wire.status import ServerStatus

Phase = Literal["starting", "serving", "draining"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerState:
    """One listener that is open."""

    url: str
    """As in its ready line: a URL, or `unix:PATH`."""
    service: str | None
    """The only service that it leads to; None: all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """One service at this moment. No secret is in it."""

    name: str
    address: str
    """For people: its URL, or PROJECT/REGION/NAME while that has not been looked up."""
    tokens: tuple[TokenStatus, ...]
    """Of all that its requests need: the token first, then keys, and the address if looked up."""


@dataclass(frozen=True, slots=True)
class RequestCounts:
    """Counts of one service's requests since the start."""

    requests: int
    errors: int
    """Answers from 500 on, the service's or ours."""


class Inside(Protocol):
    """The running proxy. All of it is quick and may be asked at any moment."""

    @property
    def phase(self) -> Phase:
        """`serving` once all listeners are open, `draining` from the first word of the end on."""

    def listeners(self) -> Sequence[ListenerState]:
        """Those that are open, in the order of the configuration."""

    def services(self) -> Sequence[ServiceState]:
        """All of them, in the order of the configuration."""

    def server(self) -> ServerStatus | None:
        """Connections and exchanges, in numbers; None before there is a server."""

    def counts(self) -> Mapping[str, RequestCounts] | None:
        """Requests of each service since the start; None where nobody counts them."""

    async def refresh(self) -> None:
        """Have `server` and `counts` be those of this moment, where other processes count. It takes
        a second at most, whatever those do."""

    def retry(self, service: str) -> None:
        """Try again, in the background, to get what this service's requests lack."""

    async def ask(self, service: str) -> str:
        """Send one small request to this service. Why it does not work; empty when it does."""

    @property
    def reload_problems(self) -> Sequence[str]:
        """Why the configuration that was read last is not in use; empty when it is."""

    async def reload(self) -> ReloadAnswer:
        """Read the configuration anew and use it, or say why not."""

    async def preview(self) -> ReloadAnswer:
        """What `reload` would change, or why it would not work. Changes nothing."""

    def quit(self) -> None:
        """End as after SIGTERM, but with exit code 0."""
