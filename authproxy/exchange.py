"""The words that everything else is written in.

A *client* sends a request to a *listener*; authproxy finds the *service* it is for, puts a *token*
on it and passes it on. One request with its answer is an *exchange*. *Observers* hear when it ends.
"""

import time
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Literal, Protocol

from authproxy.errors import Code


class Secret:
    """Text that must not be shown: `str`, `repr` and formatting give `***`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An identity token, ready to be sent; or what else is fetched and kept fresh like one."""

    value: Secret
    expires_at: float
    """Wall clock, seconds since the epoch: the token's own `exp`. `inf` for NO_TOKEN."""
    audience: str
    principal: str
    """The `email` claim, else `sub`, else what the source knows: who is calling, to the service."""
    source: str
    """The source that made it, as in the configuration: `metadata`, `file:key.json`, `gcloud` …"""
    issued_at: float
    """Wall clock, seconds: the token's own `iat`, else the moment it was received."""
    renew_after_s: float = float("inf")
    """Seconds after `issued_at` when to ask for a new one, if its end does not demand it before."""


NO_TOKEN = Token(
    value=Secret(""),
    expires_at=float("inf"),
    audience="",
    principal="",
    source="none",
    issued_at=0.0,
)
"""What `credentials = "none"` yields: an explicit decision to send no token, never a default."""


Field = tuple[bytes, bytes, bytes]
"""A header field: its name in lower case, its value, and the line as it came, without its end."""


def make_field(name: bytes, value: bytes) -> Field:
    """A field that did not come as a line."""
    return name.lower(), value, b"%b: %b" % (name, value)


@dataclass(slots=True, eq=False)
class RequestHead:
    """A client's request line and header fields, as they came. Never changed after it was read."""

    method: bytes
    target: bytes
    version: str
    """`1.1` or `1.0`."""
    headers: list[Field]


@dataclass(slots=True, eq=False)
class ResponseHead:
    """A service's status line and header fields, as they came."""

    status: int
    reason: bytes
    headers: list[Field]
    version: str = "1.1"


class Exchange:
    """The record of one exchange, filled in as it goes by `wire.recorder` and nobody else.

    One is made for every request, so the defaults stand on the class and cost nothing.
    """

    host: bytes = b""
    """The `Host` that the client sent, or the authority of an absolute target."""
    service: str = ""
    """The service's name; empty when none was found."""
    principal: str = ""
    key: str = ""
    """The name of the key that the client has shown; empty where none is asked for."""
    status: int = 0
    """What the client got; 0 when it left before an answer, 101 for a tunnel."""
    code: Code | None = None
    """Set when authproxy answered by itself or cut the exchange off."""
    detail: str = ""
    """The operator's explanation that goes with `code`."""
    bytes_from_client: int = 0
    """Body bytes, after removal of any chunked framing; for a tunnel everything after the head."""
    bytes_to_client: int = 0
    attempts: int = 0
    """How often the request was sent to the service: 2 after one retry."""
    first_byte_s: float = 0.0
    """From the start until the service's final head; 0 when there was none."""
    duration_s: float = 0.0
    aborted: Literal["", "client", "service", "authproxy"] = ""
    """Who left before the end, if anybody did."""

    def __init__(
        self, run: str, number: int, client: IPv4Address | IPv6Address | None, head: RequestHead
    ) -> None:
        self._run = run
        self._number = number
        self.client = client
        """None for a client on a Unix socket."""
        self.head = head
        """Observers decide what of it may be shown: queries and fields can hold secrets."""
        self.started_at = time.time()
        """Wall clock, seconds."""
        self.started = time.monotonic()

    @property
    def request_id(self) -> str:
        """Unique for practical purposes; also in the answers that authproxy makes by itself."""
        return f"{self._run}-{self._number}"

    def __repr__(self) -> str:
        return f"<Exchange {self.request_id} [{self.service or '-'} {self.status}]>"


class Observer(Protocol):
    """Hears that an exchange ended. Must not block and must not raise.

    Where it has methods `exchange_begun`, `exchange_admitted` or `exchange_answered` (the service's
    final head goes to the client) with the same argument, it hears of that too.
    """

    def exchange_ended(self, exchange: Exchange, /) -> None:
        """`exchange` is complete, `duration_s` included, and belongs to nobody any more.

        Called once for each exchange, on the event loop, also for those that were refused or cut.
        What it raises is logged and goes no further.
        """
