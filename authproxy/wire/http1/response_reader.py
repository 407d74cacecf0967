"""Parser for a service's bytes: heads, pieces of bodies and ends, told to a receiver.

Nothing here does I/O: bytes come in by `feed`, and what they hold has been told when it returns.
"""

from typing import Final, Protocol

from authproxy.exchange import Field, ResponseHead
from authproxy.policy.messages.facts import ResponseFacts, read_response
from authproxy.policy.messages.trace_fields import is_repeated
from authproxy.wire.http1.body import ENDLESS, BodyReader
from authproxy.wire.http1.heads import (
    ANSWER,
    END_OF_HEAD,
    FieldLines,
    HeadError,
    check_begun,
    parse_status_line,
)

_BODILESS: Final = (204, 304)  # RFC 9112 6.3, besides 1xx and what answers HEAD


class Receiver(Protocol):
    """Hears what the answer to one request holds."""

    def service_head(self, head: ResponseHead, facts: ResponseFacts, begun: bytes) -> bool:
        """The final head, and what came behind it. False: nothing more of it is of interest."""

    def service_interim(self, head: ResponseHead, facts: ResponseFacts, size: int) -> None:
        """A head of `size` bytes that another one follows (1xx). May raise UpstreamError."""

    def service_switches(self, head: ResponseHead, facts: ResponseFacts, rest: bytes) -> None:
        """101: what follows, `rest` first, is another protocol's. May raise UpstreamError."""

    def from_service(self, data: bytes) -> None:
        """A piece of the answer's body, without any framing; never empty."""

    def service_done(self, trailers: list[Field]) -> None:
        """The answer has come in whole."""


class ResponseReader:
    """One service's bytes in. `begin` each exchange, then `feed` what comes for it."""

    __slots__ = (
        "_answers_head",
        "_begun",
        "_body",
        "_facts",
        "_facts_of",
        "_head",
        "_head_bytes",
        "_last",
        "_last_facts",
        "_lines",
        "_max_fields",
        "has_head",
        "may_follow",
    )

    def __init__(self, *, head_bytes: int, max_fields: int) -> None:
        self._head_bytes = head_bytes
        self._max_fields = max_fields
        self._lines = FieldLines()
        self._facts = ResponseFacts()
        self._facts_of: tuple[list[Field], str] | None = None
        """The fields and version that the facts were read from."""
        self._head: ResponseHead | None = None
        """The last final one."""
        self._last, self._last_facts = b"", self._facts
        """What that was read from, its end included, and what it says."""
        self._begun = b""
        """The beginning of a head that has not come whole."""
        self._body = BodyReader(trailer_bytes=head_bytes, trailer_fields=max_fields)
        self._answers_head = False
        self.has_head = False
        """The final head of the answer has come."""
        self.may_follow = True
        """By what was read another answer may come on this connection. Bytes after an answer belong
        to nobody, and the next exchange must not get them."""

    def begin(self, method: bytes) -> None:
        """The next answer is to a request with this method."""
        self._answers_head = method == b"HEAD"
        self.has_head = False

    def feed(self, receiver: Receiver, data: bytes) -> None:
        """Take `data` apart. Raises HeadError for what is no answer, and what `receiver` raises."""
        body = self._body
        while data:
            if body.is_over:
                if self.has_head:
                    raise HeadError("a second answer")
                data = self._read_head(receiver, data)
                continue
            end = body.feed(data, receiver.from_service)
            if self._body.is_over:
                self.may_follow = self.may_follow and end == len(data)
                receiver.service_done(body.trailers)
            return

    def end(self, receiver: Receiver) -> bool:
        """The connection ended; whether that was the end of the answer."""
        is_whole = self._body.is_endless
        if is_whole:
            self._body.drop()
            receiver.service_done([])
        return is_whole

    def _read_head(self, receiver: Receiver, data: bytes) -> bytes:
        """Read a head if it is complete; what follows it is returned."""
        if self._head is not None and not self._begun and data.startswith(self._last):
            return self._final(receiver, self._head, self._last_facts, data[len(self._last) :])
        return self._read_new_head(receiver, data)

    def _read_new_head(self, receiver: Receiver, data: bytes) -> bytes:
        """The same for one that is not the same as the last."""
        seen = len(self._begun)
        if seen:
            data, self._begun = self._begun + data, b""
        end = data.find(END_OF_HEAD)
        if (end if end >= 0 else len(data)) > self._head_bytes:
            raise HeadError("the head of the answer is too large")
        if end < 0:
            check_begun(data, seen, ANSWER)
            self._begun = data
            return b""
        line_end = data.find(b"\r\n")
        version, status, reason = parse_status_line(data[:line_end])
        fields = self._lines.parse(data[line_end + 2 : end]) if end > line_end else []
        if len(fields) > self._max_fields:
            raise HeadError("the answer has too many header fields")
        head = ResponseHead(status, reason, fields, version)
        facts, rest = self._read_facts(head), data[end + 4 :]
        if status >= 200:
            self._head, self._last, self._last_facts = head, data[: end + 4], facts
            return self._final(receiver, head, facts, rest)
        if status == 101:
            receiver.service_switches(head, facts, rest)
            return b""
        _check_interim(facts)
        receiver.service_interim(head, facts, end)
        return rest

    def _read_facts(self, head: ResponseHead) -> ResponseFacts:
        """As for requests: the facts of the last head hold for the same fields."""
        known, fields, version = self._facts_of, head.headers, head.version
        if known is None or known[0] is not fields or known[1] != version:
            if known is None or known[1] != version or not is_repeated(known[0], fields):
                self._facts = read_response(head)
            self._facts_of = fields, version
        return self._facts

    def _final(
        self, receiver: Receiver, head: ResponseHead, facts: ResponseFacts, rest: bytes
    ) -> bytes:
        self.may_follow = facts.keep_alive
        if not receiver.service_head(head, facts, rest):
            return b""
        self.has_head = True
        if head.status in _BODILESS or self._answers_head or facts.length == 0:
            self.may_follow = self.may_follow and not rest
            receiver.service_done([])
            return b""
        if facts.length == len(rest):  # all in one piece, as most are
            receiver.from_service(rest)
            receiver.service_done([])
            return b""
        if facts.length is None and not facts.chunked:
            self._body.begin(ENDLESS, chunked=False)
            self.may_follow = False
        else:
            self._body.begin(facts.length or 0, chunked=facts.chunked)
        return rest

    def __repr__(self) -> str:
        return f"<ResponseReader [{'in a head' if self._begun else self._body}]>"


def _check_interim(facts: ResponseFacts) -> None:
    """Raises HeadError."""
    if facts.chunked or facts.length is not None:
        # RFC 9110 15.2 knows no body here: what follows would be read in two ways.
        raise HeadError("an interim answer with a body")
