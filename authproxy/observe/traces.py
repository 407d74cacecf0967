"""Traces: a span for what a client asked, and one for each time that a service was asked.

The service sees the latter as its span's parent, in `traceparent`, and in `X-Cloud-Trace-Context`
where the client has sent that. Whether a trace is recorded is decided before anything is made of
it, by the sampler that OTEL_TRACES_SAMPLER names, so that a trace that is not costs little.

Imports OpenTelemetry, so it is itself imported only where traces are switched on.
"""

import time
from collections.abc import Sequence
from random import getrandbits

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
    look_for_trace,
)

_RESENT = Ending({"error.type": "resent"}, "resent")
_LOOK_AT_NUMBERS_ONLY = (ParentBased, TraceIdRatioBased, StaticSampler)
"""Samplers that do not ask what a request is."""
_LOW = 2**64 - 1


class TracedExchange:
    """The part of a trace that one exchange is. Defaults on the class cost nothing."""

    server: Span | None = None
    """None: it is not recorded, as nearly none are."""
    client: Span | None = None
    next_id = sends = 0
    state = b""
    """What `tracestate` is to say to the service."""
    has_cloud = False
    """The client has sent Google's field, so the service gets it."""
    is_sampled = False
    fields: Sequence[tuple[bytes, bytes]] = ()
    grpc_status: int | None = None

    def __init__(self, number: int, span: int, *, is_random: bool) -> None:
        self.number = number
        """The trace's: the client's, if it has named one."""
        self.span = span
        """Ours; the client's where nothing is recorded."""
        self.is_random = is_random

    @property
    def own(self) -> TraceContext:
        """The trace with our span in the place of the client's."""
        trace_id, span_id = f"{self.number:032x}", f"{self.span:016x}"
        return TraceContext(trace_id, span_id, self.is_sampled, True, self.is_random)

    def fields_for(self, span: int) -> Sequence[tuple[bytes, bytes]]:
        """What tells the service of its span's parent. In lower case, as HTTP/2 has names."""
        flags = self.is_sampled | self.is_random << 1
        fields = [(TRACEPARENT, b"00-%032x-%016x-0%d" % (self.number, span, flags))]
        if self.state:
            fields.append((TRACESTATE, self.state))
        if self.has_cloud:
            cloud = b"%032x/%d;o=%d" % (self.number, span, self.is_sampled)
            fields.append((CLOUD_TRACE, cloud))
        return fields


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
        self._bound = find_bound(sampler)
        self._open: dict[Exchange, TracedExchange] = {}

    # What the server tells.

    def fields_to_send(self, exchange: Exchange) -> Sequence[tuple[bytes, bytes]]:
        trace = self._open.get(exchange) or self._begin(exchange)
        if trace.server is None:
            trace.fields = trace.fields or trace.fields_for(trace.span)
            return trace.fields
        # The span begins when it is known where to; its number goes there with the request.
        trace.next_id = getrandbits(64) or 1
        return trace.fields_for(trace.next_id)

    def wants_sent(self, exchange: Exchange) -> bool:
        trace = self._open.get(exchange)
        return trace is not None and trace.server is not None

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
        trace = self._open.pop(exchange, None)
        if trace is None:  # it was not sent
            if is_probe(exchange):
                return
            trace = self._decide(exchange)
        if trace.server is not None:
            _finish(exchange, trace, trace.server)

    # What others ask.

    def trace_of(self, exchange: Exchange) -> TraceContext | None:
        """For log lines and metrics, until the end of the exchange was told here."""
        trace = self._open.get(exchange)
        if trace is None and is_probe(exchange):
            return None
        return (trace or self._begin(exchange)).own

    @property
    def open(self) -> int:
        """How many exchanges have a trace and have not ended."""
        return len(self._open)

    # Decisions.

    def _begin(self, exchange: Exchange) -> TracedExchange:
        """It is decided when it is first needed: when the request is sent, or at its end."""
        trace = self._open[exchange] = self._decide(exchange)
        return trace

    def _decide(self, exchange: Exchange) -> TracedExchange:
        given, has_cloud = look_for_trace(exchange.head.headers)
        if given is not None:
            return self._go_on(exchange, given, has_cloud=has_cloud)
        number = getrandbits(128) or 1
        trace = TracedExchange(number, getrandbits(64) or 1, is_random=True)
        if has_cloud:
            trace.has_cloud = True
        # The usual case: a new trace, of which a share of all decides.
        if self._bound is None or number & _LOW < self._bound:
            self._ask(exchange, trace, SpanMaker.nobody, SpanMaker.nobody)
        return trace

    def _go_on(self, exchange: Exchange, given: TraceContext, *, has_cloud: bool) -> TracedExchange:
        """A trace of the client's."""
        number, span = int(given.trace_id, 16), int(given.span_id or "0", 16)
        trace = TracedExchange(number, span or getrandbits(64) or 1, is_random=given.is_random)
        trace.has_cloud = has_cloud
        if given.is_w3c:
            trace.state = _joined(exchange, TRACESTATE)
        parent = _context_of(given, trace)
        # A client that does not say whether it records its part has not decided.
        decider = SpanMaker.nobody if given.sampled is None else parent
        self._ask(exchange, trace, decider, parent if span else SpanMaker.nobody)
        return trace

    def _ask(
        self, exchange: Exchange, trace: TracedExchange, decider: Context, parent: Context
    ) -> None:
        """Let the sampler decide, and begin the span of what the client asked."""
        result = self._sampler.should_sample(
            decider,
            trace.number,
            span_name(known_method(exchange.head.method, self._known)),
            SpanKind.SERVER,
            dict(self._about(exchange)) if self._asks_what_it_is else None,
        )
        if result.trace_state and result.trace_state is not _state_of(decider):
            trace.state = result.trace_state.to_header().encode("ascii", "ignore")
        if result.decision is not Decision.DROP:
            trace.span = getrandbits(64) or 1
            trace.is_sampled = result.decision is Decision.RECORD_AND_SAMPLE
            trace.server = self._spans.server(
                trace.own, parent, result, self._about(exchange), exchange.started_at
            )

    def _about(self, exchange: Exchange) -> Attributes:
        return server_attributes(exchange, is_tls=self._is_tls, known=self._known)

    def __repr__(self) -> str:
        return f"<Traces [{len(self._open)} open] by {self._sampler.get_description()}>"


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


def _context_of(given: TraceContext, trace: TracedExchange) -> Context:
    """The client's span as a parent; where it names none, for a sampler, as one that nobody has."""
    state = trace.state.decode("latin-1")
    span = SpanContext(
        trace.number,
        trace.span,
        is_remote=True,
        trace_flags=TraceFlags(bool(given.sampled) | given.is_random << 1),
        trace_state=TraceState.from_header([state]) if state else None,
    )
    return set_span_in_context(NonRecordingSpan(span), SpanMaker.nobody)


def find_bound(sampler: Sampler) -> int | None:
    """Below which the low half of a new trace's number must be; None: only the sampler knows."""
    if isinstance(sampler, ParentBased):
        sampler = getattr(sampler, "_root", sampler)
    return sampler.bound if isinstance(sampler, TraceIdRatioBased) else None


def _state_of(parent: Context) -> TraceState:
    """As the client sent it. A sampler that has nothing to add hands on the same object."""
    return get_current_span(parent).get_span_context().trace_state


def _joined(exchange: Exchange, name: bytes) -> bytes:
    """A field that may come in several lines, as one."""
    return b",".join(value for each, value, _ in exchange.head.headers if each == name)
