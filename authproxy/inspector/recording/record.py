"""Record of one exchange."""

from collections.abc import Sequence
from typing import NamedTuple

from authproxy.errors import Code
from authproxy.exchange import Exchange
from authproxy.inspector.bodies.content import BodyKeeper
from authproxy.inspector.bodies.websocket_messages import Sockets
from authproxy.inspector.recording.kept_heads import Head, WrittenAnswer
from authproxy.inspector.recording.token_notes import TokenNote
from authproxy.times import Opening, Times

OVERHEAD = 400
"""Bytes that each record takes besides what it has in common with others, and what is unusual."""
COMMON = 450
"""Bytes that a Common takes besides its heads and its target."""
UNUSUAL = 520
"""Bytes for an Unusual, and for each of its tries."""
WAIT = 120
"""Bytes for each time that it had to wait."""
EXTRA = 150
"""Bytes for an Extra, without what it holds."""


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


class Extra:
    """Parts that few exchanges have, beside all that an Exchange says."""

    __slots__ = (
        "answer",
        "changes",
        "held",
        "keeps_content",
        "replayed_from",
        "request",
        "sockets",
    )
    request: BodyKeeper | None
    answer: BodyKeeper | None
    sockets: Sockets | None

    def __init__(self, *, keeps_content: bool = False) -> None:
        self.keeps_content = keeps_content
        self.request = self.answer = self.sockets = None
        self.replayed_from = ""
        self.changes = 0
        """How often readers were to be told of something since it began."""
        self.held = EXTRA
        """Bytes that are counted for it."""

    def finish(self, *, is_kept: bool) -> int:
        """Nothing more comes. By how many bytes it has grown is returned."""
        before = self.held
        self.keeps_content = is_kept
        if not is_kept:
            self.request = self.answer = self.sockets = None
        self.held = EXTRA
        for each in (self.request, self.answer):
            if each is not None:
                each.finish()
                self.held += each.held
        if self.sockets is not None:
            self.held += self.sockets.held
        return self.held - before


class Unusual(NamedTuple):
    """Facts that most exchanges do not have, once they have ended."""

    started: float
    key: str
    code: Code | None
    detail: str
    aborted: str
    grpc_status: int | None
    times: Times | None
    tries: tuple[Try, ...]
    """All of them, where there were more than one, or one that is not like the request."""
    trailers: Head | None


class TunnelHeads(NamedTuple):
    """Heads that came before a tunnel was opened, while that lasts."""

    common: "Common"
    tries: tuple[Try, ...]
    opening: Opening | None

    @property
    def size(self) -> int:
        """Bytes that are counted for it."""
        return self.common.size + UNUSUAL * len(self.tries)


class Common:
    """Parts that many exchanges have in common: all that they say. Made once for all of them."""

    __slots__ = (
        "came",
        "came_version",
        "host",
        "method",
        "principal",
        "request",
        "sent",
        "service",
        "size",
        "target",
        "uses",
        "version",
        "way",
    )

    def __init__(self, exchange: Exchange, target: bytes, request: Head, way: Way | None) -> None:
        head = exchange.head
        self.service, self.principal, self.host = (
            exchange.service,
            exchange.principal,
            exchange.host,
        )
        self.method, self.version, self.target = head.method, head.version, target
        self.request = request
        self.way = way
        """Of the last try."""
        self.came: Head | None = None
        self.came_version = ""
        self.sent: WrittenAnswer | None = None
        self.size = COMMON + len(target)
        self.uses = 0
        """How many records have it."""


Kept = tuple[
    int, int, float, int, int, int, int, float, float, float, str, Unusual | None, Extra | None
]
"""One exchange. One of these is made for every request, and ten thousands are kept, so it is a
plain tuple of numbers: the garbage collector looks at such a tuple once, and never again."""


class KeptFacts(NamedTuple):
    """Values of a Kept, by name."""

    number: int
    common: int
    """Under which key its Common is found."""
    started_at: float
    status: int
    bytes_from_client: int
    bytes_to_client: int
    attempts: int
    first_byte_s: float
    duration_s: float
    sent_s: float
    client: str
    odd: Unusual | None
    extra: Extra | None


def size_of(kept: Kept) -> int:
    """Bytes that are counted for it, without what it has in common with others."""
    *_, odd, extra = kept
    size = OVERHEAD if odd is None else OVERHEAD + size_of_unusual(odd)
    return size if extra is None else size + extra.held


def size_of_unusual(odd: Unusual) -> int:
    waits = 0 if odd.times is None else len(odd.times.waits)
    return UNUSUAL * (1 + len(odd.tries)) + WAIT * waits + len(odd.detail)


class Facts(NamedTuple):
    """An Exchange's own values, besides its head."""

    service: str
    client: str
    """Its address; empty for one on a Unix socket."""
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


class Record:
    """Record of one exchange: what was kept of it, or is known by now of one under way."""

    def __init__(self, request_id: str, kept: Kept, common: Common, *, is_live: bool) -> None:
        self._kept = facts = KeptFacts._make(kept)
        self._common = common
        self.request_id = request_id
        self.is_live = is_live
        self.number = facts.number
        """Of the exchange: the second half of its id."""
        self.request = common.request
        self.method, self.target, self.version = common.method, common.target, common.version
        self.started_at = facts.started_at
        self.trailers = None if facts.odd is None else facts.odd.trailers
        extra = facts.extra
        self.records_content = extra is not None and extra.keeps_content
        """Bodies of this service are kept."""
        is_own = extra is not None and extra.answer is not None
        self.content = extra if self.records_content or is_own else None
        """Of a service whose bodies are not kept: an answer of our own."""
        self.replayed_from = "" if extra is None else extra.replayed_from

    @property
    def protocol(self) -> str:
        """As `Exchange.protocol`."""
        return "tunnel" if self._kept.status == 101 else f"HTTP/{self.version}"

    @property
    def tries(self) -> Sequence[Try]:
        odd, common = self._kept.odd, self._common
        if odd is not None and odd.tries:
            return odd.tries
        if common.way is None:
            return ()
        return (Try(common.way, common.method, common.target, None, self._kept.sent_s),)

    @property
    def answer(self) -> Answer | None:
        came, sent = self._common.came, self._common.sent
        if sent is None:
            return None
        version = sent.version if came is None else self._common.came_version
        return Answer(came, sent.reason, version, sent.head, sent.status)

    @property
    def facts(self) -> Facts:
        kept, odd, common = self._kept, self._kept.odd or NOTHING, self._common
        return Facts(
            service=common.service,
            client=kept.client,
            principal=common.principal,
            key=odd.key,
            status=kept.status,
            code=odd.code,
            detail=odd.detail,
            bytes_from_client=kept.bytes_from_client,
            bytes_to_client=kept.bytes_to_client,
            attempts=kept.attempts,
            first_byte_s=kept.first_byte_s,
            duration_s=kept.duration_s,
            aborted=odd.aborted,
            grpc_status=self._grpc_status(odd),
            times=odd.times,
            host=common.host,
            started=odd.started,
        )

    def _grpc_status(self, odd: Unusual) -> int | None:
        """An answer of gRPC without content has it in its head."""
        if odd.grpc_status is not None or self._common.came is None:
            return odd.grpc_status
        said = self._common.came.get(b"grpc-status")
        return int(said) if said.isascii() and said.isdigit() and len(said) < 9 else None

    def __repr__(self) -> str:
        return f"<Record {self.request_id}>"


NOTHING = Unusual(0.0, "", None, "", "", None, None, (), None)
