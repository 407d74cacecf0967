"""OpenTelemetry's spans, made of what was noted of an exchange when that is over.

Its tracer makes a span when it begins, and lets everybody add to it under a lock until it ends.
Here all is known at once, so it is made as what exporters get in the end, in a third of the time.
"""

from collections.abc import Callable, Sequence

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.span import TraceState
from opentelemetry.trace.status import Status, StatusCode

from authproxy import __version__
from authproxy.exchange import Exchange
from authproxy.observe.span_attributes import (
    METHODS,
    Attributes,
    Ending,
    RpcCall,
    again,
    client_attributes,
    client_ending,
    find_call,
    has_answer,
    server_attributes,
    server_ending,
    span_name,
)
from authproxy.observe.trace_notes import TracedTry, TraceNotes

SCHEMA = "https://opentelemetry.io/schemas/1.44.0"
"""The version of the conventions that our attributes are of."""

Emit = Callable[[ReadableSpan], None]

_SCOPE = InstrumentationScope("authproxy", __version__, SCHEMA)
_FINE, _FAILED = Status(StatusCode.UNSET), Status(StatusCode.ERROR)
_ENOUGH = 64
"""Attributes and events of one span: it never has so many."""


class SpanMaker:
    """Makes spans of exchanges, and hands them to `emit`, each below the next one."""

    def __init__(
        self,
        emit: Emit,
        resource: Resource,
        limits: SpanLimits,
        *,
        is_tls: bool = False,
        known_methods: frozenset[str] = METHODS,
    ) -> None:
        self._emit = emit
        self._resource = resource
        self._limits = limits if _is_tight(limits) else None
        self._is_tls = is_tls
        self._known = known_methods

    def make(self, exchange: Exchange, recording: TraceNotes) -> None:
        """All of one exchange, which has ended."""
        state = _read_state(recording.state)
        flags = TraceFlags(recording.flags)
        own = SpanContext(recording.trace, recording.span, False, flags, state)
        parent = None
        if recording.parent:
            parent = SpanContext(recording.trace, recording.parent, True, flags, state)
        call = find_call(exchange, exchange.grpc_status)
        ended = exchange.started_at + exchange.duration_s
        for number, each in enumerate(recording.tries):
            context = SpanContext(recording.trace, each.span, False, flags, state)
            self._client(exchange, context, own, each, number, call)
        attributes = server_attributes(exchange, is_tls=self._is_tls, known=self._known)
        ending = server_ending(exchange, call)
        self._add(
            (context_name(attributes, call), SpanKind.SERVER),
            (own, parent),
            attributes,
            ending,
            (exchange.started_at, ended),
            _waits(exchange),
        )

    def _client(
        self,
        exchange: Exchange,
        context: SpanContext,
        server: SpanContext,
        one: TracedTry,
        resends: int,
        call: RpcCall | None,
    ) -> None:
        """What we asked of a service, as a part of what `server` is."""
        attributes = client_attributes(one.sent, resends, self._known)
        events: list[Event] = []
        if one.why:
            ended, ending, call = one.ended, again(one.why), None
        else:
            ended = exchange.started_at + exchange.duration_s
            ending = client_ending(exchange, call)
            if has_answer(exchange):
                events.append(_event("answer begins", exchange, exchange.first_byte_s))
        self._add(
            (context_name(attributes, call), SpanKind.CLIENT),
            (context, server),
            attributes,
            ending,
            (one.begun, ended),
            events,
        )

    def _add(
        self,
        what: tuple[str, SpanKind],
        place: tuple[SpanContext, SpanContext | None],
        attributes: Attributes,
        ending: Ending,
        between: tuple[float, float],
        events: Sequence[Event],
    ) -> None:
        attributes |= ending.attributes
        self._emit(
            ReadableSpan(
                what[0],
                context=place[0],
                parent=place[1],
                resource=self._resource,
                attributes=self._within_limits(attributes),
                events=self._some(events),
                kind=what[1],
                status=_FAILED if ending.error else _FINE,
                start_time=int(between[0] * 1e9),
                end_time=int(between[1] * 1e9),
                instrumentation_scope=_SCOPE,
            )
        )

    def _within_limits(self, attributes: Attributes) -> "Attributes | BoundedAttributes":
        """By OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT and its kin, where they may matter."""
        limits = self._limits
        if limits is None:
            return attributes
        return BoundedAttributes(
            limits.max_span_attributes,
            dict(attributes),
            max_value_len=limits.max_span_attribute_length,
        )

    def _some(self, events: Sequence[Event]) -> Sequence[Event]:
        if self._limits is None or self._limits.max_events is None:
            return events
        return BoundedList.from_seq(self._limits.max_events, events)

    def __repr__(self) -> str:
        return f"<SpanMaker [{'some' if self._limits else 'no'} limits]>"


def context_name(attributes: Attributes, call: RpcCall | None) -> str:
    """The span's: a call's method, or that of HTTP."""
    return span_name(str(attributes["http.request.method"])) if call is None else call.name


def _waits(exchange: Exchange) -> Sequence[Event]:
    """What it had to wait for before it was sent."""
    waits = () if exchange.times is None else exchange.times.waits
    return [_event(f"{each.what} came", exchange, each.ended_s) for each in waits if each.ended_s]


def _event(name: str, exchange: Exchange, after_s: float) -> Event:
    return Event(name, {}, int((exchange.started_at + after_s) * 1e9))


def _read_state(state: bytes) -> TraceState | None:
    return TraceState.from_header([state.decode("latin-1")]) if state else None


def _is_tight(limits: SpanLimits) -> bool:
    """Whether what we have to say may be beyond them."""
    counts = (limits.max_span_attributes, limits.max_events)
    return limits.max_span_attribute_length is not None or any(
        count is not None and count < _ENOUGH for count in counts
    )
