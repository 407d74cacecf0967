"""Traces: a span for what a client asked, and one for each time that a service was asked.

The service sees the latter as its span's parent, in `traceparent`, and in `X-Cloud-Trace-Context`
where the client has sent that.

Rules of this file: nearly all traces are not recorded, and each of those costs something in every
request. So nothing is made of one but the fields that go to the service; and of one that is
recorded only notes are taken, of which spans are made when all is known.

Imports OpenTelemetry, so it is itself imported only where traces are switched on.
"""

import os
from collections.abc import Sequence
from operator import itemgetter
from random import getrandbits
from struct import Struct

from authproxy.errors import Code
from authproxy.exchange import Exchange, SentHead
from authproxy.observe.access_log import is_probe
from authproxy.observe.spans import SpanMaker
from authproxy.observe.trace_context import (
    CLOUD_TRACE,
    RANDOM,
    TRACEPARENT,
    TRACESTATE,
    TraceContext,
    look_for_trace,
    parse_traceparent,
    trace_fields,
)
from authproxy.observe.trace_notes import TraceNotes, draw_span
from authproxy.observe.trace_rule import LOWER_HALF, TraceRule

Fields = list[tuple[bytes, bytes]] | bytes
"""Pairs of name and value, or one finished line of HTTP/1."""
_TRACES = frozenset({TRACEPARENT, CLOUD_TRACE})
_name_of = itemgetter(0)
_AT_ONCE = 64
_lower_halves = Struct(">8xQ8x").iter_unpack
"""Of each trace's number, which its span's follows."""


class Traces:
    """An Observer that makes spans."""

    names_to_send = frozenset({TRACEPARENT, TRACESTATE, CLOUD_TRACE})
    wants_waits = True

    def __init__(self, spans: SpanMaker, rule: TraceRule) -> None:
        self._spans = spans
        self._rule = rule
        self._open: dict[Exchange, Fields | TraceNotes] = {}
        """What goes to the service, where nothing is recorded."""
        self._new: list[bytes | TraceNotes] = []
        """Traces that are drawn already."""
        self.hears_sent_of: dict[Exchange, TraceNotes] = {}

    # What the server tells.

    def fields_to_send(self, exchange: Exchange) -> Sequence[tuple[bytes, bytes]] | bytes:
        trace = self._open.get(exchange)
        if trace is None:
            trace = self._begin(exchange)
        return trace.next_fields() if isinstance(trace, TraceNotes) else trace

    def exchange_sent(self, exchange: Exchange, sent: SentHead) -> None:
        recording = self.hears_sent_of.get(exchange)
        if recording is not None:
            recording.sent(sent)

    def exchange_again(self, exchange: Exchange, why: int | Code) -> None:
        recording = self.hears_sent_of.get(exchange)
        if recording is not None:
            recording.failed(str(why))

    def exchange_ended(self, exchange: Exchange) -> None:
        trace = self._open.pop(exchange, None)
        if trace is None:  # it was not sent
            if is_probe(exchange):
                return
            trace = self._begin(exchange)
            del self._open[exchange]
        if isinstance(trace, TraceNotes):
            del self.hears_sent_of[exchange]
            self._spans.make(exchange, trace)

    # What others ask.

    def trace_of(self, exchange: Exchange) -> TraceContext | None:
        """For log lines and metrics, until the end of the exchange was told here."""
        trace = self._open.get(exchange)
        if trace is None:
            if is_probe(exchange):
                return None
            trace = self._begin(exchange)
        if isinstance(trace, TraceNotes):
            return trace.own
        return parse_traceparent(trace[13:-2] if isinstance(trace, bytes) else trace[0][1])

    @property
    def open(self) -> int:
        """How many exchanges have a trace and have not ended."""
        return len(self._open)

    # Decisions.

    def _begin(self, exchange: Exchange) -> Fields | TraceNotes:
        """It is decided when it is first needed: when the request is sent, or at its end."""
        trace: Fields | TraceNotes
        if _TRACES.isdisjoint(map(_name_of, exchange.head.headers)):  # the usual case
            trace = self._new.pop() if self._new else self._draw()
        else:
            trace = self._go_on(exchange)
        self._open[exchange] = trace
        if isinstance(trace, TraceNotes):
            self.hears_sent_of[exchange] = trace
        return trace

    def _draw(self) -> bytes | TraceNotes:
        """A new trace, and those for the next requests with it: many at once cost a third."""
        numbers = os.urandom(_AT_ONCE * 24)
        digits = numbers.hex().encode()
        lines = [
            b"traceparent: 00-%b-%b-02\r\n" % (digits[at : at + 32], digits[at + 32 : at + 48])
            for at in range(0, len(digits), 48)
        ]
        self._new += lines
        for index, (half,) in enumerate(_lower_halves(numbers)):
            if half < self._rule.new:
                trace = int(lines[index][16:48], 16)
                self._new[index] = TraceNotes(trace=trace, span=draw_span(), tries=[])
        return self._new.pop()

    def _go_on(self, exchange: Exchange) -> Fields | TraceNotes:
        """The client's trace, unless what it says of it is malformed."""
        given, has_cloud = look_for_trace(exchange.head.headers)
        trace, parent, state, is_random = getrandbits(128) | 1, 0, b"", True
        if given is not None:
            trace, parent = int(given.trace_id, 16), int(given.span_id or "0", 16)
            is_random = given.is_random
            if given.is_w3c:
                state = _joined(exchange, TRACESTATE)
        if trace & LOWER_HALF < self._rule.bound(given.sampled if given else None):
            return TraceNotes(
                trace=trace,
                span=draw_span(),
                parent=parent,
                is_random=is_random,
                state=state,
                has_cloud=has_cloud,
                tries=[],
            )
        # The client's span as it was: nobody makes one in between.
        flags = RANDOM if is_random else 0
        span = parent or draw_span()
        return trace_fields(trace, span, flags=flags, state=state, has_cloud=has_cloud)

    def __repr__(self) -> str:
        return f"<Traces [{len(self._open)} open, {len(self.hears_sent_of)} of them recorded]>"


def _joined(exchange: Exchange, name: bytes) -> bytes:
    """A field that may come in several lines, as one."""
    return b",".join(value for each, value, _ in exchange.head.headers if each == name)
