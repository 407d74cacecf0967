"""What one client sends, taken apart: heads, bodies and ends become relays and calls on them."""

from typing import TYPE_CHECKING

from authproxy.errors import Refused
from authproxy.exchange import Field, RequestHead
from authproxy.policy.messages.facts import RequestFacts, read_request
from authproxy.settings import LimitSettings
from authproxy.wire import refusals
from authproxy.wire.http1.chunks import Chunks
from authproxy.wire.http1.heads import (
    END_OF_HEAD,
    REQUEST,
    FieldLines,
    HeadError,
    check_begun,
    parse_request_line,
)
from authproxy.wire.http2.framing.frames import PREFACE
from authproxy.wire.relay.relay import Relay

if TYPE_CHECKING:
    from authproxy.wire.client.connection import ClientConnection


_TLS = b"\x16"
"""What a handshake begins with (RFC 8446 5.1)."""
METHOD_BYTES = 64
"""What the first line of a head may have besides its target."""
MAX_AHEAD = 64
"""Requests sent ahead that are looked at: each becomes a relay, far larger than its bytes."""


class RequestReader:
    """One client's bytes in; between heads it counts a body's bytes or takes its chunks off."""

    __slots__ = (
        "_begun",
        "_chunks",
        "_client",
        "_facts",
        "_facts_of",
        "_kept",
        "_left",
        "_limits",
        "_lines",
        "_receiving",
        "_seen",
        "_waiting",
        "is_deaf",
    )

    def __init__(self, client: "ClientConnection", limits: LimitSettings) -> None:
        self._client = client
        self._limits = limits
        self._lines = FieldLines()
        self._facts = RequestFacts()
        self._facts_of: tuple[list[Field], str] | None = None
        """The fields and version that the facts were read from."""
        self._begun = b""
        """The beginning of a head that has not come whole."""
        self._seen = 0
        """How much of it was looked at before."""
        self._kept: bytes | None = None
        """What was not looked at, once too many requests wait."""
        self._left = 0
        """Bytes that are still to come of a body whose length was said."""
        self._chunks: Chunks | None = None
        self._receiving: Relay | None = None
        """The relay whose body is being read."""
        self._waiting = 0
        """Requests that waited when the last one was read."""
        self.is_deaf = False
        """Nothing that still comes is of interest."""

    @property
    def head_open(self) -> bool:
        """A head has begun and is not complete."""
        return bool(self._begun)

    def feed(self, data: bytes) -> None:
        """Take `data` apart; what it holds has been handed on when this returns, or is kept."""
        if self._kept is not None:
            self._kept += data
            return
        if self._begun:
            self._seen = len(self._begun)
            data, self._begun = self._begun + data, b""
        while data and not self.is_deaf:
            if self._receiving is None:
                data = self._read_head(data)
            elif self._chunks is None:
                data = self._read_body(self._receiving, data)
            else:
                data = self._read_chunks(self._receiving, self._chunks, data)

    def go_on(self) -> None:
        """No request waits any more: look at what was kept."""
        self._waiting = 0
        if self._kept is not None:
            kept, self._kept = self._kept, None
            self.feed(kept)

    def refuse(self, refusal: Refused, head: RequestHead | None = None) -> None:
        """Answer in turn, then close: where the next request would begin cannot be known."""
        if self.is_deaf:
            return
        self.is_deaf = True
        self._begun = b""
        head = head or RequestHead(b"-", b"-", "1.1", [])
        relay = Relay(self._client, head, RequestFacts(), refusal=refusal)
        self._client.enqueue(relay)

    # Heads.

    def _read_head(self, data: bytes) -> bytes:
        """Begin the exchange that `data` asks for; what follows the head is returned."""
        if self._waiting >= MAX_AHEAD:
            self._kept = data
            return b""
        if data[:2] == b"\r\n":
            return data[2:]  # RFC 9112 2.2: some clients end a body with one too many
        end = data.find(END_OF_HEAD)
        if end < 0:
            self._wait(data)
            return b""
        self._seen = 0
        line_end = data.find(b"\r\n")
        try:
            head = self._parse(data, line_end, end)
        except HeadError as error:
            return self._not_a_head(data, error)
        except Refused as refusal:
            self.refuse(refusal, _gist(data[:line_end]))
            return b""
        try:
            facts = self._read_facts(head)
        except Refused as refusal:
            self.refuse(refusal, head)
            return b""
        return self._begin(Relay(self._client, head, facts), data[end + 4 :])

    def _parse(self, data: bytes, line_end: int, end: int) -> RequestHead:
        """The head in `data`, which stops at `end`. Raises HeadError and Refused."""
        limits = self._limits
        if line_end > limits.target_bytes + METHOD_BYTES:
            raise refusals.target_too_long()
        method, target, version = parse_request_line(data[:line_end])
        if len(target) > limits.target_bytes:
            raise refusals.target_too_long()
        if end > limits.head_bytes:
            raise refusals.head_too_large()
        fields = self._lines.parse(data[line_end + 2 : end]) if end > line_end else []
        if len(fields) > limits.headers:
            raise refusals.head_too_large()
        return RequestHead(method, target, version, fields)

    def _read_facts(self, head: RequestHead) -> RequestFacts:
        """A client repeats itself: the facts of the last head hold for the same fields."""
        known = self._facts_of
        if known is None or known[0] is not head.headers or known[1] != head.version:
            self._facts = read_request(head)
            self._facts_of = head.headers, head.version
        return self._facts

    def _begin(self, relay: Relay, rest: bytes) -> bytes:
        facts = relay.facts
        if facts.has_body:
            self._receiving = relay
            self._left = facts.length or 0
            if facts.chunked:
                self._chunks = Chunks(
                    trailer_bytes=self._limits.head_bytes, trailer_fields=self._limits.headers
                )
            self._waiting = self._client.enqueue(relay)
            return rest
        relay.received_all = True
        if not relay.keep_alive and facts.upgrade is None:
            self.is_deaf = True
        self._waiting = self._client.enqueue(relay)
        if facts.upgrade is not None and relay.is_open:
            self._client.await_switch(rest)
            return b""
        return rest

    def _wait(self, data: bytes) -> None:
        """Keep the beginning of a head, if it can still become one within the bounds."""
        try:
            if data != b"\r":
                check_begun(data, self._seen, REQUEST)
        except HeadError as error:
            self._not_a_head(data, error)
            return
        except Refused as refusal:
            self.refuse(refusal, _gist(data.partition(b"\r\n")[0]))
            return
        self._begun = data
        limits = self._limits
        line_end = data.find(b"\r\n")
        if (line_end if line_end >= 0 else len(data)) > limits.target_bytes + METHOD_BYTES:
            self.refuse(refusals.target_too_long(), _gist(data))
        elif len(data) > limits.head_bytes:
            self.refuse(refusals.head_too_large(), _gist(data[:line_end]))

    def _not_a_head(self, data: bytes, error: HeadError) -> bytes:
        """Refuse, unless `data` is how a client begins that speaks HTTP/2."""
        if self._client.is_new and data[: len(PREFACE)] == PREFACE[: len(data)]:
            if len(data) < len(PREFACE):
                self._begun = data
            else:
                self._client.speak_http2(data)
        elif self._client.is_new and data[:1] == _TLS:
            self._client.server.wrong_ports.note_tls(self._client)
            self.refuse(refusals.tls_unexpected())
        else:
            self.refuse(refusals.not_http(str(error)))
        return b""

    # Bodies.

    def _read_body(self, relay: Relay, data: bytes) -> bytes:
        rest = b""
        if len(data) > self._left:
            data, rest = data[: self._left], data[self._left :]
        self._left -= len(data)
        relay.from_client(data)
        if not self._left:
            self._done(relay, [])
        return rest

    def _read_chunks(self, relay: Relay, chunks: Chunks, data: bytes) -> bytes:
        fault = ""
        try:
            data = chunks.feed(data)
        except HeadError as error:
            fault = str(error)
        for piece in chunks.pieces:
            relay.from_client(piece)
        chunks.pieces.clear()
        if fault:
            self.is_deaf = True
            relay.client_broke(fault)
        elif chunks.is_over:
            self._chunks = None
            self._done(relay, chunks.trailers)
        return data

    def _done(self, relay: Relay, trailers: list[Field]) -> None:
        self._receiving = None
        if not relay.keep_alive:
            self.is_deaf = True
        relay.client_done(trailers)

    def __repr__(self) -> str:
        state = "deaf" if self.is_deaf else "in a head" if self.head_open else "ready"
        return f"<RequestReader [{state}]>"


def _gist(line: bytes) -> RequestHead:
    """What the log can say of a request that was not read."""
    method, _, target = line[: METHOD_BYTES + 256].partition(b" ")
    return RequestHead(method[:METHOD_BYTES], target.partition(b" ")[0] or b"-", "1.1", [])
