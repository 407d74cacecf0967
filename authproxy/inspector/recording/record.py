"""What is kept of one exchange."""

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


class Facts(NamedTuple):
    """What an Exchange says of itself besides its head."""

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
    protocol: str
    host: bytes
    started: float


_facts = attrgetter(*Facts._fields)


class Try(NamedTuple):
    """A head that went to the service."""

    head: Head
    method: bytes
    target: bytes
    version: str
    origin: str
    token_name: bytes
    token: TokenNote | None
    secret_names: frozenset[bytes]
    opening: Opening | None
    at_s: float


class Answer(NamedTuple):
    """An answer's head: as it came from the service, and as it was sent on."""

    came: Head | None
    """None for one of our own."""
    reason: bytes
    version: str
    sent: Head
    sent_status: int


class KeptContent:
    """What is kept of the content of an exchange."""

    __slots__ = ("answer", "request", "sockets")

    def __init__(self) -> None:
        self.request: BodyKeeper | None = None
        self.answer: BodyKeeper | None = None
        self.sockets: Sockets | None = None


class Record:
    """Of one exchange, from its beginning on."""

    __slots__ = (
        "answer",
        "content",
        "exchange",
        "is_kept",
        "method",
        "number",
        "replayed_from",
        "request",
        "request_id",
        "size",
        "started_at",
        "target",
        "told",
        "trailers",
        "tries",
        "version",
    )

    def __init__(self, number: int, exchange: Exchange, request: Head, target: bytes) -> None:
        head = exchange.head
        self.number = number
        self.exchange: Exchange | None = exchange
        """Until it has ended. It has secrets, which others keep anyhow until then."""
        self.request = request
        self.method, self.target, self.version = head.method, target, head.version
        self.request_id = exchange.request_id
        self.started_at = exchange.started_at
        self.size = OVERHEAD + len(target)
        self.tries: tuple[Try, ...] = ()
        self.answer: Answer | None = None
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
    def facts(self) -> Facts:
        """As they are now."""
        return Facts._make(self.told if self.exchange is None else _facts(self.exchange))

    @property
    def is_live(self) -> bool:
        return self.exchange is not None

    def __repr__(self) -> str:
        return f"<Record {self.request_id}>"
