"""Traces: a span for what a client asked, and one for each time that a service was asked.

The service sees the latter as its span's parent, in `traceparent`, and in `X-Cloud-Trace-Context`
where the client has sent that. Whether a trace is recorded is decided before anything is made of
it, by the sampler that OTEL_TRACES_SAMPLER names, so that a trace that is not costs little.

Imports OpenTelemetry, so it is itself imported only where traces are switched on.
"""

import random
import time
from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    Sampler,
    StaticSampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.span import TraceState

from authproxy.exchange import Exchange, Field, SentHead
from authproxy.observe.access_log import is_probe
from authproxy.observe.span_attributes import (
    METHODS,
    Attributes,
    Ending,
    client_attributes,
    client_ending,
    find_call,
    has_answer,
    known_method,
    server_attributes,
    server_ending,
    span_name,
)
from authproxy.observe.spans import MakeProvider, SpanMaker, end
from authproxy.observe.trace_context import (
    CLOUD_TRACE,
    TRACEPARENT,
    TRACESTATE,
    TraceContext,
    find_trace,
    write_cloud_trace,
    write_traceparent,
)

_RESENT = Ending({"error.type": "resent"}, "resent")
_LOOK_AT_NUMBERS_ONLY = (ParentBased, TraceIdRatioBased, StaticSampler)
"""Samplers that do not ask what a request is."""


class TracedExchange:
    """The part of a trace that one exchange is."""

    __slots__ = ("client", "fields", "grpc_status", "next_id", "own", "sends", "server", "state")

    def __init__(self, own: TraceContext, state: bytes) -> None:
        self.own = own
        """The client's trace, if it has one, with our span in the place of its own."""
        self.state = state
        """What `tracestate` is to say to the service."""
        self.server: Span | None = None
        """None: it is not recorded."""
        self.client: Span | None = None
        self.next_id = self.sends = 0
        self.fields: Sequence[tuple[bytes, bytes]] = ()
        self.grpc_status: int | None = None


class Traces:
    """An Observer that makes spans. `sampler` is asked once for each exchange."""

    names_to_send = frozenset({TRACEPARENT, TRACESTATE, CLOUD_TRACE})

    def __init__(
        self,
        make_provider: MakeProvider,
        sampler: Sampler,
        *,
        is_tls: bool = False,
        known_methods: frozenset[str] = METHODS,
    ) -> None:
        self._spans = SpanMaker(make_provider)
        self._sampler = sampler
        self._asks_what_it_is = not isinstance(sampler, _LOOK_AT_NUMBERS_ONLY)
        self._is_tls = is_tls
        self._known = known_methods
        self._open: dict[Exchange, TracedExchange] = {}

    # What the server tells.

    def fields_to_send(self, exchange: Exchange) -> Sequence[tuple[bytes, bytes]]:
        trace = self._trace(exchange)
        if trace.server is None:
            if not trace.fields:
                trace.fields = _fields(exchange, trace, trace.own.span_id)
            return trace.fields
        # The span begins when it is known where to; its number goes there with the request.
        trace.next_id = _number(64)
        return _fields(exchange, trace, f"{trace.next_id:016x}")

    def exchange_sent(self, exchange: Exchange, sent: SentHead) -> None:
        trace = self._open.get(exchange)
        if trace is None or trace.server is None:
            return
        now = time.time()
        if trace.client is not None:
            end(trace.client, _RESENT, now)
        attributes = client_attributes(sent, trace.sends, self._known)
        trace.sends += 1
        trace.client = self._spans.client(trace.server, trace.next_id, attributes, now)

    def answer_trailers(self, exchange: Exchange, fields: Sequence[Field]) -> None:
        trace = self._open.get(exchange)
        if trace is not None:
            for name, value, _ in fields:
                if name == b"grpc-status" and value.isdigit():
                    trace.grpc_status = int(value)

    def exchange_ended(self, exchange: Exchange) -> None:
        if exchange not in self._open and is_probe(exchange):
            return
        trace = self._trace(exchange)
        del self._open[exchange]
        if trace.server is not None:
            _finish(exchange, trace, trace.server)

    # What others ask.

    def trace_of(self, exchange: Exchange) -> TraceContext | None:
        """For log lines and metrics, until the end of the exchange was told here."""
        trace = self._open.get(exchange)
        if trace is None and is_probe(exchange):
            return None
        return (trace or self._trace(exchange)).own

    @property
    def open(self) -> int:
        """How many exchanges have a trace and have not ended."""
        return len(self._open)

    # Decisions.

    def _trace(self, exchange: Exchange) -> TracedExchange:
        """It is decided when it is first needed: when the request is sent, or at its end."""
        trace = self._open.get(exchange)
        if trace is None:
            trace = self._open[exchange] = self._decide(exchange)
        return trace

    def _decide(self, exchange: Exchange) -> TracedExchange:
        given = find_trace(exchange.head.headers)
        state = _joined(exchange, TRACESTATE) if given is not None and given.is_w3c else b""
        number = _number(128) if given is None else int(given.trace_id, 16)
        parent = SpanMaker.nobody if given is None else _context_of(given, number, state)
        result = self._sampler.should_sample(
            # A client that does not say whether it records its part has not decided.
            SpanMaker.nobody if given is None or given.sampled is None else parent,
            number,
            span_name(known_method(exchange.head.method, self._known)),
            SpanKind.SERVER,
            dict(self._about(exchange)) if self._asks_what_it_is else None,
        )
        trace = TracedExchange(_own(given, number, result.decision), state)
        if result.trace_state and result.trace_state is not _state_of(parent):
            trace.state = result.trace_state.to_header().encode("ascii", "ignore")
        if result.decision is not Decision.DROP:
            above = parent if given is not None and given.span_id else SpanMaker.nobody
            trace.server = self._spans.server(
                trace.own, above, result, self._about(exchange), exchange.started_at
            )
        return trace

    def _about(self, exchange: Exchange) -> Attributes:
        return server_attributes(exchange, is_tls=self._is_tls, known=self._known)

    def __repr__(self) -> str:
        return f"<Traces [{len(self._open)} open] by {self._sampler.get_description()}>"


def _fields(
    exchange: Exchange, trace: TracedExchange, span_id: str
) -> Sequence[tuple[bytes, bytes]]:
    """What tells the service of its span's parent. In lower case, as HTTP/2 has names."""
    own = trace.own
    sampled = bool(own.sampled)
    value = write_traceparent(own.trace_id, span_id, sampled=sampled, is_random=own.is_random)
    fields = [(TRACEPARENT, value)]
    if trace.state:
        fields.append((TRACESTATE, trace.state))
    for name, _, _ in exchange.head.headers:
        if name == CLOUD_TRACE:
            cloud = write_cloud_trace(own.trace_id, span_id, sampled=sampled)
            fields.append((CLOUD_TRACE, cloud))
            break
    return fields


def _finish(exchange: Exchange, trace: TracedExchange, server: Span) -> None:
    ended = exchange.started_at + exchange.duration_s
    status = trace.grpc_status if exchange.grpc_status is None else exchange.grpc_status
    call = find_call(exchange, status)
    if trace.client is not None:
        if has_answer(exchange):
            begun = exchange.started_at + exchange.first_byte_s
            trace.client.add_event("answer begins", timestamp=int(begun * 1e9))
        if call is not None:
            trace.client.update_name(call.name)
        end(trace.client, client_ending(exchange, call), ended)
    if call is not None:
        server.update_name(call.name)
    end(server, server_ending(exchange, call), ended)


def _number(bits: int) -> int:
    """Not zero, which stands for none. Nothing has to be kept secret by it."""
    return random.getrandbits(bits) or 1


def _own(given: TraceContext | None, number: int, decision: Decision) -> TraceContext:
    """Ours of a trace. Where nothing is recorded, the client's span stays the service's parent."""
    span_id = given.span_id if given is not None and decision is Decision.DROP else ""
    return TraceContext(
        f"{number:032x}",
        span_id or f"{_number(64):016x}",
        decision is Decision.RECORD_AND_SAMPLE,
        is_w3c=True,
        is_random=given is None or given.is_random,
    )


def _context_of(given: TraceContext, number: int, state: bytes) -> Context:
    """The client's span as a parent; for a sampler a trace without a span gets a number for it."""
    span = SpanContext(
        number,
        int(given.span_id, 16) if given.span_id else 1,
        is_remote=True,
        trace_flags=TraceFlags(bool(given.sampled) | given.is_random << 1),
        trace_state=TraceState.from_header([state.decode("latin-1")]) if state else None,
    )
    return set_span_in_context(NonRecordingSpan(span), SpanMaker.nobody)


def _state_of(parent: Context) -> TraceState:
    """As the client sent it. A sampler that has nothing to add hands on the same object."""
    return get_current_span(parent).get_span_context().trace_state


def _joined(exchange: Exchange, name: bytes) -> bytes:
    """A field that may come in several lines, as one."""
    return b",".join(value for each, value, _ in exchange.head.headers if each == name)
