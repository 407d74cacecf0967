"""Record of one exchange."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from operator import attrgetter
from typing import NamedTuple

from authproxy.errors import Code
from authproxy.exchange import Exchange, Opening, Times
from authproxy.inspector.bodies.content import BodyKeeper
from authproxy.inspector.bodies.websocket_messages import Sockets
from authproxy.inspector.recording.kept_heads import Head
from authproxy.inspector.recording.token_notes import TokenNote

OVERHEAD = 1100
"""Bytes that a record takes besides its heads, its target and its content."""
EACH_TRY = 250
"""For each after the first, which OVERHEAD has in it."""


class Facts(NamedTuple):
    """An Exchange's own values, besides its head."""

    service: str
    client: IPv4Address | IPv6Address | None
    principal: str
    key: str
    status: int
    code: Code | None
    detail: str
    bytes_from_client: int
    bytes_to_client: int
    attempts: int
    first_byte_s: float
    duration_s: float
    aborted: str
    grpc_status: int | None
    times: Times | None
    host: bytes
    started: float


_facts = attrgetter(*Facts._fields)


class Way(NamedTuple):
    """Values that the same requests to a service have in common; made once for all of them."""

    head: Head
    origin: str
    version: str
    token_name: bytes
    token: TokenNote | None
    secret_names: frozenset[bytes]


class Try(NamedTuple):
    """A head that went to the service."""

    way: Way
    method: bytes
    target: bytes
    opening: Opening | None
    at_s: float

    @property
    def head(self) -> Head:
        return self.way.head

    @property
    def version(self) -> str:
        return self.way.version

    @property
    def origin(self) -> str:
        return self.way.origin

    @property
    def token_name(self) -> bytes:
        return self.way.token_name

    @property
    def token(self) -> TokenNote | None:
        return self.way.token

    @property
    def secret_names(self) -> frozenset[bytes]:
        return self.way.secret_names


class Answer(NamedTuple):
    """An answer's head: as it came from the service, and as it was sent on."""

    came: Head | None
    """None for one of our own."""
    reason: bytes
    version: str
    sent: Head
    sent_status: int


class KeptContent:
    """Content kept of an exchange."""

    __slots__ = ("answer", "request", "sockets")

    def __init__(self) -> None:
        self.request: BodyKeeper | None = None
        self.answer: BodyKeeper | None = None
        self.sockets: Sockets | None = None


class Record:
    """Record of one exchange, from its beginning on.

    One is made for every request, so what belongs together is a plain tuple until it is shown.
    """

    __slots__ = (
        "answered",
        "content",
        "exchange",
        "is_kept",
        "method",
        "number",
        "replayed_from",
        "request",
        "run",
        "sent",
        "size",
        "started_at",
        "target",
        "told",
        "trailers",
        "version",
    )

    def __init__(
        self, run: str, number: int, exchange: Exchange, request: Head, target: bytes
    ) -> None:
        head = exchange.head
        self.run = run
        self.number = number
        """Of the exchange: the second half of its id."""
        self.exchange: Exchange | None = exchange
        """Until it has ended. It has secrets, which others keep anyhow until then."""
        self.request = request
        self.method, self.target, self.version = head.method, target, head.version
        self.started_at = exchange.started_at
        self.size = OVERHEAD + len(target)
        self.sent: tuple[tuple[Way, bytes, bytes, Opening | None, float], ...] = ()
        self.answered: tuple[Head | None, bytes, str, Head, int] | None = None
        self.trailers: Head | None = None
        self.content: KeptContent | None = None
        self.told: Sequence[object] = ()
        self.is_kept = True
        self.replayed_from = ""

    def end(self) -> None:
        """Take over what the exchange says; it is let go."""
        exchange = self.exchange
        if exchange is not None:
            self.told = _facts(exchange)
            self.exchange = None

    @property
    def request_id(self) -> str:
        return f"{self.run}-{self.number}"

    @property
    def protocol(self) -> str:
        """As `Exchange.protocol`."""
        return "tunnel" if self.facts.status == 101 else f"HTTP/{self.version}"

    @property
    def tries(self) -> tuple[Try, ...]:
        return tuple(map(Try._make, self.sent))

    @property
    def answer(self) -> Answer | None:
        return None if self.answered is None else Answer._make(self.answered)

    @property
    def facts(self) -> Facts:
        """As they are now."""
        return Facts._make(self.told if self.exchange is None else _facts(self.exchange))

    @property
    def is_live(self) -> bool:
        return self.exchange is not None

    def __repr__(self) -> str:
        return f"<Record {self.request_id}>"
