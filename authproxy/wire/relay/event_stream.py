"""Server-sent events on their way, so that such a stream can end between two of them.

Clients come back for a stream that ended in good order, and lose nothing when the last event that
they got was whole (https://html.spec.whatwg.org/multipage/server-sent-events.html 9.2.6).
"""

import re
from collections.abc import Sequence
from typing import Protocol

from authproxy.errors import AuthProxyError
from authproxy.exchange import Exchange, Field
from authproxy.policy.messages.facts import ResponseFacts
from authproxy.policy.messages.headers import answer_end
from authproxy.policy.messages.origin_mapping import Home
from authproxy.wire.recorder import Recorder
from authproxy.wire.relay.interfaces import Client
from authproxy.wire.transport import add_chunk

_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?:\r\n|\n|\r)")
"""Where an event ends. Lines end in three ways, and CR LF is one end, not two."""
_KEPT = 4
"""Bytes that may belong to a blank line whose other half is still to come."""


class Streaming(Protocol):
    """The exchange that a stream of events is the answer of."""

    exchange: Exchange
    recorder: Recorder

    @property
    def client(self) -> Client:
        """Who gets the answer."""

    @property
    def is_open(self) -> bool:
        """It has not ended."""

    def leave_service(self) -> None:
        """Nothing more is wanted of the service."""

    def service_done(self, trailers: list[Field], /) -> None:
        """The answer is whole."""


def may_end_early(facts: ResponseFacts) -> bool:
    """What answers a POST must not, for all that: half of it would look like the whole."""
    return facts.length is None and not facts.is_encoded


class EventStream:
    """The body of one answer, as it goes to the client."""

    __slots__ = ("_home", "_in_chunks", "_is_ending", "_relay", "_tail")

    def __init__(self, relay: Streaming, *, in_chunks: bool, home: Home) -> None:
        """`in_chunks`: to the client; else the connection's end is that of the body."""
        self._relay = relay
        self._in_chunks = in_chunks
        self._home = home
        self._is_ending = False
        """The event that has begun is the last."""
        self._tail = b"\n\n"

    @property
    def is_between_events(self) -> bool:
        found = _BLANK_LINE.search(self._tail)
        while found is not None and found.end() < len(self._tail):
            found = _BLANK_LINE.search(self._tail, found.start() + 1)
        return found is not None

    def add(self, data: bytes) -> None:
        """Send a piece on."""
        if not self._relay.is_open:
            return
        is_last = False
        if self._is_ending:
            data, is_last = self._up_to_boundary(data)
        if data:
            self._tail = (self._tail + data[-_KEPT:])[-_KEPT:]
            if self._in_chunks:
                add_chunk(self._relay.client.out, data)
            else:
                self._relay.client.out.append(data)
        if is_last:
            self._end()

    def finish(self, trailers: Sequence[Field]) -> None:
        """The body is over."""
        if self._in_chunks and self._relay.is_open:
            self._relay.client.out.append(answer_end(trailers, self._home))

    def break_off(self, _exchange: Exchange, _error: AuthProxyError, *, is_empty: bool) -> bool:
        """It has no words for an error; clients take no notice of half an event."""
        return False

    def drain(self) -> None:
        """End now, or with the event that has begun."""
        self._is_ending = True
        if self.is_between_events:
            self._end()
            self._relay.client.flush()

    def _end(self) -> None:
        """In good order, as if the service had ended it."""
        relay = self._relay
        relay.recorder.left(relay.exchange, "authproxy")
        relay.leave_service()
        relay.service_done([])

    def _up_to_boundary(self, data: bytes) -> tuple[bytes, bool]:
        """What belongs to the event that has begun, and whether it is whole."""
        seen = len(self._tail)
        for found in _BLANK_LINE.finditer(self._tail + data):
            if found.end() > seen:
                return data[: found.end() - seen], True
        return data, False

    def __repr__(self) -> str:
        where = "between" if self.is_between_events else "within"
        return f"<EventStream [{where} events{', ending' if self._is_ending else ''}]>"
