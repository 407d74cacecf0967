"""Parser for a client's bytes: heads, pieces of bodies and ends, told to a receiver.

Nothing here does I/O: bytes come in by `feed`, and what they hold has been told when it returns.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final, Protocol

from authproxy.errors import Refused
from authproxy.exchange import Field, RequestHead
from authproxy.policy.messages.facts import RequestFacts, read_request
from authproxy.policy.messages.trace_fields import is_repeated
from authproxy.settings import LimitSettings
from authproxy.wire import refusals
from authproxy.wire.http1.body import BodyReader
from authproxy.wire.http1.heads import (
    END_OF_HEAD,
    REQUEST,
    FieldLines,
    HeadError,
    check_begun,
    parse_field,
    parse_request_line,
)

METHOD_BYTES: Final = 64
"""What the first line of a head may have besides its target."""
MAX_LEGIBLE: Final = 200
"""Fields that are looked at of a request that is too large."""
MAX_AHEAD: Final = 64
"""Requests sent ahead that are looked at: each becomes a relay, far larger than its bytes."""


class BodyReceiver(Protocol):
    """Hears what follows the head of one request."""

    @property
    def keep_alive(self) -> bool:
        """Another request may follow this one."""

    @property
    def is_open(self) -> bool:
        """It has not ended: it is under way, or waits for its turn."""

    def from_client(self, data: bytes) -> None:
        """A piece of the body, without any framing; never empty."""

    def client_done(self, trailers: list[Field]) -> None:
        """The body has come in whole, with its `trailers`. Not told of a request that has none."""

    def client_broke(self, reason: str) -> None:
        """The body is not valid, for a `reason` that clients may be told; nothing more is read on
        this connection."""


class Receiver(Protocol):
    """Hears what a connection holds."""

    def request(self, head: RequestHead, facts: RequestFacts, has_body: bool) -> BodyReceiver:
        """A request has begun, or was sent ahead of its turn. Who is returned hears its body.

        `facts` are the same object for the same fields; `has_body`: some of it follows, if only
        the end of chunks. Raises nothing.
        """

    def bad_request(self, head: RequestHead, refusal: Refused) -> None:
        """A request that cannot be read, with as much of its `head` as is known. It is the last:
        nothing more is read."""

    def await_switch(self) -> None:
        """What follows may belong to another protocol: it is kept until `stay` or `take_ahead`."""

    def takes_over(self, data: bytes) -> bool | None:
        """`data` does not begin a head of HTTP/1. True: it is another protocol's, and was taken.
        False: it is none that is known. None: it is too short to tell; ask again with more."""


class RequestReader:
    """One client's bytes in; between heads it counts a body's bytes or takes its chunks off."""

    __slots__ = (
        "_awaits_switch",
        "_begun",
        "_body",
        "_facts",
        "_facts_of",
        "_head",
        "_kept",
        "_kept_from",
        "_last",
        "_limits",
        "_lines",
        "_receiver",
        "_receiving",
        "_seen",
        "is_deaf",
        "waiting",
    )

    def __init__(self, receiver: Receiver, limits: LimitSettings) -> None:
        self._receiver = receiver
        self._limits = limits
        self._lines = FieldLines()
        self._facts = RequestFacts()
        self._facts_of: tuple[list[Field], str] | None = None
        """The fields and version that the facts were read from."""
        self._head: RequestHead | None = None
        self._last = b""
        """What that was read from, its end included."""
        self._begun = b""
        """The beginning of a head that has not come whole."""
        self._seen = 0
        """How much of it was looked at before."""
        self._kept: bytes | None = None
        """What is not looked at: too many requests wait, or one to switch does."""
        self._kept_from = 0
        """Where in it that begins."""
        self._awaits_switch = False
        self._body = BodyReader(trailer_bytes=limits.head_bytes, trailer_fields=limits.headers)
        self._receiving: BodyReceiver | None = None
        """Whose body is being read."""
        self.waiting = 0
        """Requests that wait; whoever makes them wait says so."""
        self.is_deaf = False
        """Nothing that still comes is of interest."""

    @property
    def head_open(self) -> bool:
        """A head has begun and is not complete."""
        return bool(self._begun)

    def feed(self, data: bytes, at: int = 0) -> None:
        """Take `data` apart, from `at` on; what it holds has been told when this returns, or is
        kept. Nothing is copied but what is told: a read can hold thousands of requests."""
        if self._kept is not None:
            self._kept, self._kept_from = self._kept[self._kept_from :] + data, 0
            return
        if self._begun:
            self._seen = len(self._begun)
            data, self._begun = self._begun + data, b""
        end = len(data)
        while at < end and not self.is_deaf:
            if self._receiving is None:
                at = self._read_head(data, at)
            else:
                at = self._read_body(self._receiving, data, at)

    def go_on(self) -> None:
        """No request waits any more: look at what was kept."""
        self.waiting = 0
        if self._kept is not None and not self._awaits_switch:
            kept, self._kept = self._kept, None
            self.feed(kept, self._kept_from)

    def stay(self) -> None:
        """The protocol is not switched: what was kept for that is HTTP."""
        self._awaits_switch = False
        self.go_on()

    def take_ahead(self) -> bytes:
        """The protocol is switched: what came of the new one so far."""
        kept, self._kept = self._kept or b"", None
        return kept[self._kept_from :]

    def _keep(self, data: bytes, at: int) -> int:
        """Look at nothing from there on; where to go on: at the end."""
        self._kept, self._kept_from = data, at
        return len(data)

    def refuse(self, refusal: Refused, head: RequestHead | None = None) -> None:
        """Answer in turn, then close: where the next request would begin cannot be known."""
        if self.is_deaf:
            return
        self.is_deaf = True
        self._begun = b""
        self._receiver.bad_request(head or RequestHead(b"-", b"-", "1.1", []), refusal)

    # Heads.

    def _read_head(self, data: bytes, at: int) -> int:
        """Tell of the request that `data` holds at `at`; where what follows the head begins."""
        if self.waiting >= MAX_AHEAD:
            return self._keep(data, at)
        if self._head is not None and data.startswith(self._last, at):
            self._seen = 0
            return self._begin(self._head, self._facts, data, at + len(self._last))
        if data.startswith(b"\r\n", at):
            self._seen = 0
            return at + 2  # RFC 9112 2.2: some clients end a body with one too many
        end = data.find(END_OF_HEAD, at)
        if end < 0:
            self._wait(data[at:])
            return len(data)
        self._seen = 0
        try:
            head = self._parse(data, at, end)
        except HeadError as error:
            self._not_a_head(data[at:], error)
            return len(data)
        except Refused as refusal:
            self.refuse(refusal, _gist(data[at : end + 2]))
            return len(data)
        try:
            facts = self._read_facts(head)
        except Refused as refusal:
            self.refuse(refusal, head)
            return len(data)
        self._head, self._last = head, data[at : end + 4]
        return self._begin(head, facts, data, end + 4)

    def _parse(self, data: bytes, at: int, end: int) -> RequestHead:
        """The head in `data`, from `at` to `end`. Raises HeadError and Refused."""
        limits = self._limits
        line_end = data.find(b"\r\n", at)
        if line_end - at > limits.target_bytes + METHOD_BYTES:
            raise refusals.target_too_long()
        method, target, version = parse_request_line(data[at:line_end])
        if len(target) > limits.target_bytes:
            raise refusals.target_too_long()
        if end - at > limits.head_bytes:
            raise refusals.head_too_large()
        fields = self._lines.parse(data[line_end + 2 : end]) if end > line_end else []
        if len(fields) > limits.headers:
            raise refusals.head_too_large()
        return RequestHead(method, target, version, fields)

    def _read_facts(self, head: RequestHead) -> RequestFacts:
        """A client repeats itself: the facts of the last head hold for the same fields."""
        known = self._facts_of
        if known is None or known[0] is not head.headers or known[1] != head.version:
            if known is None or known[1] != head.version or not is_repeated(known[0], head.headers):
                self._facts = read_request(head)
            self._facts_of = head.headers, head.version
        return self._facts

    def _begin(self, head: RequestHead, facts: RequestFacts, data: bytes, at: int) -> int:
        if facts.has_body:
            self._body.begin(facts.length or 0, chunked=facts.chunked)
            self._receiving = self._receiver.request(head, facts, True)
            return at
        if not facts.keep_alive and facts.upgrade is None:
            self.is_deaf = True
        relay = self._receiver.request(head, facts, False)
        if facts.upgrade is not None and relay.is_open:
            self._awaits_switch = True
            self._keep(data, at)
            self._receiver.await_switch()
            return len(data)
        return at

    def _wait(self, data: bytes) -> None:
        """Keep the beginning of a head, if it can still become one within the bounds."""
        try:
            if data != b"\r":
                check_begun(data, self._seen, REQUEST)
        except HeadError as error:
            self._not_a_head(data, error)
            return
        except Refused as refusal:
            self.refuse(refusal, _gist(data))
            return
        self._begun = data
        limits = self._limits
        line_end = data.find(b"\r\n")
        if (line_end if line_end >= 0 else len(data)) > limits.target_bytes + METHOD_BYTES:
            self.refuse(refusals.target_too_long(), _gist(data))
        elif len(data) > limits.head_bytes:
            self.refuse(refusals.head_too_large(), _gist(data))

    def _not_a_head(self, data: bytes, error: HeadError) -> None:
        """Refuse, unless `data` is how a client begins that speaks another protocol."""
        took_over = self._receiver.takes_over(data)
        if took_over is None:
            self._begun = data
        elif not took_over:
            self.refuse(refusals.not_http(str(error)))

    # Bodies.

    def _read_body(self, relay: BodyReceiver, data: bytes, at: int) -> int:
        body = self._body
        try:
            end = body.feed(data, relay.from_client, at)
        except HeadError as error:
            self.is_deaf = True
            relay.client_broke(str(error))
            return len(data)
        if body.is_over:
            self._receiving = None
            if not relay.keep_alive:
                self.is_deaf = True
            relay.client_done(body.trailers)
        return end

    def __repr__(self) -> str:
        state = "deaf" if self.is_deaf else "in a head" if self.head_open else "ready"
        return f"<RequestReader [{state}]>"


def _gist(data: bytes) -> RequestHead:
    """What the log, and the answer, can know of a request that was not read."""
    line, *lines = data.split(b"\r\n", MAX_LEGIBLE + 1)
    method, _, target = line[: METHOD_BYTES + 256].partition(b" ")
    target = target.partition(b" ")[0] or b"-"
    return RequestHead(method[:METHOD_BYTES], target, "1.1", list(_legible(lines[:-1])))


def _legible(lines: Sequence[bytes]) -> Iterator[Field]:
    for line in lines:
        with suppress(HeadError):
            yield parse_field(line)
