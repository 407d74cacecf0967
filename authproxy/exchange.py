"""Core types: tokens, heads of requests and answers, exchanges, and observers of those.

A *client* sends a request to a *listener*; authproxy finds the *service* it is for, puts a *token*
on it and passes it on. One request with its answer is an *exchange*. *Observers* hear when it ends,
and of what happens before that, if they ask.
"""

import time
from collections.abc import Container, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final, Literal, NamedTuple, Protocol

from authproxy.errors import Code
from authproxy.times import Opening, Times


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

    def __deepcopy__(self, _memo: dict[int, object]) -> "Secret":
        """The same, for it never changes: compiled classes cannot be taken apart to be copied."""
        return self


@dataclass(frozen=True, kw_only=True)
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


NO_TOKEN: Final = Token(
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


class RequestHead:
    """A client's request line and header fields, as they came. Never changed after it was read: a
    client that repeats its request gives the same one again.
    """

    # Written out, as in `ResponseHead`: a dataclass is made by Python code where this is compiled.
    def __init__(self, method: bytes, target: bytes, version: str, headers: list[Field]) -> None:
        self.method = method
        self.target = target
        self.version = version
        """`1.1` or `1.0`."""
        self.headers = headers

    def __repr__(self) -> str:
        return f"<RequestHead {self.method.decode('ascii', 'replace')} [HTTP/{self.version}]>"


class ResponseHead:
    """A service's status line and header fields, as they came; or as they were sent on. Never
    changed either."""

    def __init__(
        self, status: int, reason: bytes, headers: list[Field], version: str = "1.1"
    ) -> None:
        self.status = status
        self.reason = reason
        """Empty in HTTP/2, which has none."""
        self.headers = headers
        self.version = version
        """`1.1`, `1.0` or `2`."""

    def __repr__(self) -> str:
        return f"<ResponseHead {self.status} [HTTP/{self.version}]>"


class SentHead(NamedTuple):
    """A request's head as it goes to the service. A tuple, since some are told of every one."""

    origin: str
    """Where to: `scheme://host[:port]` of the service, as it is known at this moment."""
    method: bytes
    target: bytes
    version: str
    """`1.1` or `2`."""
    raw: bytes | Sequence[tuple[bytes, bytes]]
    """`fields` as they were written."""
    token_line: bytes
    """The line that carries `token`, which is a secret; empty for NO_TOKEN."""
    token: Token
    secret_names: frozenset[bytes]
    """Names in lower case, of fields whose values are secrets of the configuration: API keys."""
    opening: Opening | None
    """Of the connection, if it is new; None: it has served others, or stood ready for them."""
    at_s: float = 0.0
    """When, in seconds from the exchange's start; 0.0 unless an observer `wants_times`."""

    @property
    def token_name(self) -> bytes:
        """The field that carries `token`, as it was written; empty for NO_TOKEN."""
        name = self.token_line.partition(b":")[0]
        return name.lower() if self.version == "2" else name

    @property
    def is_new(self) -> bool:
        """Nobody has used the connection before."""
        return self.opening is not None

    @property
    def fields(self) -> list[Field]:
        """All but the token's, in order. For HTTP/2 with `host` first, which is `:authority`."""
        return read_fields(self.raw)

    def __repr__(self) -> str:
        return f"<SentHead {self.method.decode('ascii', 'replace')} {self.origin}>"


def read_fields(raw: bytes | Sequence[tuple[bytes, bytes]]) -> list[Field]:
    """Finished lines, or pairs of name and value, as fields."""
    if not isinstance(raw, bytes):
        return [make_field(name, value) for name, value in raw]
    found = []
    for line in raw.split(b"\r\n"):
        if line:
            name, _, value = line.partition(b":")
            found.append((name.lower(), value.strip(b" \t"), line))
    return found


class Exchange:
    """The record of one exchange, filled in as it goes by `wire.recorder` and nobody else;
    `test_nobody_else_writes_into_the_record` in tests/test_wire_recorder.py holds that.

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
    """What the client got; 0 when it left before an answer, 101 for a tunnel. For calls of gRPC,
    Connect and MCP that authproxy answers itself, what others would have got: theirs is mostly
    200, whatever is wrong."""
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
    sent_s: float = 0.0
    """From the start until its head went to the service, for the last time if more than once. 0
    when it never did, and unless an observer `wants_times`."""
    duration_s: float = 0.0
    aborted: Literal["", "client", "service", "authproxy"] = ""
    """Who left before the end, if anybody did."""
    times: Times | None = None
    """None unless an observer `wants_details`, or `wants_waits` and the exchange had to wait."""
    grpc_status: int | None = None
    """What the service's answer says, where it is one of gRPC and has got so far. Over HTTP/1,
    where only gRPC-Web is spoken, None unless an observer `wants_details`; and of gRPC-Web the
    trailers are not read, which are content."""
    sent: tuple[SentHead, ...] = ()
    """Its head as it went to the service, for each time. Empty unless an observer `wants_heads`; as
    `answer` it has secrets."""
    answer: tuple[ResponseHead | None, bytes | ResponseHead] | None = None
    """The final head as it came, None for one of our own, and as it was sent: `read_written` reads
    that where it is bytes. None, too, unless an observer `wants_heads`."""

    own_body: bytes = b""
    """The content of an answer of our own. Empty unless an observer `wants_heads`."""

    def __init__(
        self, run: str, number: int, client: IPv4Address | IPv6Address | None, head: RequestHead
    ) -> None:
        self._run = run
        self.number = number
        """How many had begun, with this one, since the server was built."""
        self.client = client
        """None for a client on a Unix socket."""
        self.head = head
        """Observers decide what of it may be shown: queries and fields can hold secrets."""
        self.started_at = time.time()
        """Wall clock, seconds."""
        self.started = time.monotonic()

    @property
    def protocol(self) -> str:
        """How it was spoken: `HTTP/1.0`, `HTTP/1.1`, `HTTP/2`, or `tunnel` after a 101."""
        return "tunnel" if self.status == 101 else f"HTTP/{self.head.version}"

    @property
    def request_id(self) -> str:
        """Unique for practical purposes; also in the answers that authproxy makes by itself."""
        return f"{self._run}-{self.number}"

    def __repr__(self) -> str:
        return f"<Exchange {self.request_id} [{self.service or '-'} {self.status}]>"


class Observer(Protocol):
    """Hears that an exchange ended, and more by the methods in `ObserverMethods` that it has.

    Which it has is looked up once, when the server is built. No method may block, nor change what
    it is given. What it raises (`Exception`) is logged and goes no further.
    """

    def exchange_ended(self, exchange: Exchange, /) -> None:
        """`exchange` is complete, `duration_s` included, and belongs to nobody any more.

        Called once for each exchange, on the event loop, also for those that were refused or cut.
        """


class ObserverMethods(Observer, Protocol):
    """All that an observer may hear, in the order in which it comes; any of it may be left out.

    The same for HTTP/1, HTTP/2 calls and tunnels. Nothing of an exchange is told before it began or
    after it ended. An exchange that is cut may end at any point between.
    """

    wants_waits: bool
    """`Exchange.times` has its waits for tokens and connections; of those that had to wait for
    nothing there is none. False without the attribute."""
    wants_times: bool
    """Besides, `Exchange.sent_s` is kept for it: little enough for every request. False without
    the attribute."""
    wants_details: bool
    """All of `Exchange.times` is kept for it, and `Exchange.grpc_status`, which means to take heads
    and trailers apart. False without the attribute."""
    wants_heads: bool
    """`Exchange.sent`, `answer` and `own_body` are kept for it, until it has heard of the end, or
    that a tunnel was opened: what is written anyway, not taken apart, so it costs little. False
    without the attribute."""
    names_to_send: frozenset[bytes]
    """In lower case: those that `fields_to_send` may return. What the client has sent under them is
    left out of every request. Asked once, when the services are built."""

    hears_sent_of: Container[Exchange]
    """Those of which it wants to hear `exchange_sent`, which costs something to make; looked into
    after `fields_to_send`. Others may make it be told nevertheless. Without it: of every one."""

    def exchange_begun(self, exchange: Exchange, /) -> None:
        """A request's head was read; it may be refused yet, or be no valid one."""

    def exchange_admitted(self, exchange: Exchange, /) -> None:
        """It goes to `exchange.service`. Not for what is refused."""

    def fields_to_send(self, exchange: Exchange, /) -> Sequence[tuple[bytes, bytes]] | bytes:
        """Names and values of fields of its own for the head that is sent next; asked at each try,
        before `exchange_sent`. They stand behind all others but the token. Or the same as finished
        lines, with their ends, which nobody checks: only for what is made of digits alone."""

    def exchange_sent(self, exchange: Exchange, sent: SentHead, /) -> None:
        """Its head goes to the service; again at each try (`exchange.attempts`)."""

    def exchange_again(self, exchange: Exchange, why: int | Code, /) -> None:
        """What was sent did not do, and it is to be sent once more: for the status that was
        answered, or for what happened to the connection."""

    def request_piece(self, exchange: Exchange, data: bytes, /) -> None:
        """Content from the client: without chunk framing, in HTTP/2 the payload of DATA without its
        padding, in a tunnel all that follows the head.

        Each byte is told once, as it comes, however often it is sent, and perhaps before
        `exchange_sent`; never empty. Together they are `exchange.bytes_from_client`, which counts
        frames of HTTP/2 as a whole, even one in which the exchange was cut.
        """

    def exchange_answered(self, exchange: Exchange, /) -> None:
        """The final head goes to the client: the service's, one of our own, or a 101.
        `exchange.status` is set. Never for interim ones (1xx)."""

    def answer_head(
        self, exchange: Exchange, came: ResponseHead | None, sent: ResponseHead, /
    ) -> None:
        """Follows `exchange_answered`: that head as it `came`, None for one of our own, and as it
        was `sent` on. Cookies and other secrets are in both."""

    def tunnel_opened(self, exchange: Exchange, /) -> None:
        """Follows the 101. `sent` and `answer` go when all have heard of this: it may last."""

    def answer_piece(self, exchange: Exchange, data: bytes, /) -> None:
        """Content to the client, as `request_piece`; of our own answers, too. Together they are
        `exchange.bytes_to_client`."""

    def answer_trailers(self, exchange: Exchange, fields: Sequence[Field], /) -> None:
        """The service's, as they came; not told where there are none."""
