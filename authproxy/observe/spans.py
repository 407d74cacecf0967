"""Spans with numbers and decisions that were made before them, by OpenTelemetry's own tracer.

Its tracer draws a number and asks its sampler when a span begins. Here a request may have been told
its number already, and a trace may go on from a client that names no span: so the tracer is given
both, and its sampler says what was decided.
"""

from collections.abc import Callable, Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, set_span_in_context
from opentelemetry.trace.span import TraceState
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util import types

from authproxy import __version__
from authproxy.observe.span_attributes import Attributes, Ending, span_name
from authproxy.observe.trace_context import TraceContext

SCHEMA = "https://opentelemetry.io/schemas/1.44.0"
"""The version of the conventions that our attributes are of."""

MakeProvider = Callable[[IdGenerator, Sampler], TracerProvider]


class GivenIds(IdGenerator):
    """Draws nothing."""

    def __init__(self) -> None:
        self.trace_id = self.span_id = 0
        self.is_random = False

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id

    def is_trace_id_random(self) -> bool:
        return self.is_random


class GivenDecision(Sampler):
    """Decides nothing."""

    def __init__(self) -> None:
        self.decision = Decision.DROP
        self.trace_state: TraceState | None = None

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: types.Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        return SamplingResult(self.decision, attributes, self.trace_state)

    def get_description(self) -> str:
        return "GivenDecision"


class SpanMaker:
    """Begins spans; `end` ends them."""

    nobody = Context()
    """No parent. Where none is given, OpenTelemetry takes whatever span is current for it."""

    def __init__(self, make_provider: MakeProvider) -> None:
        self._ids, self._decided = GivenIds(), GivenDecision()
        provider = make_provider(self._ids, self._decided)
        self._tracer = provider.get_tracer("authproxy", __version__, SCHEMA)

    def server(
        self,
        own: TraceContext,
        parent: Context,
        result: SamplingResult,
        attributes: Attributes,
        begun_s: float,
    ) -> Span | None:
        """What a client asked: the span that `own` names. None where the SDK makes none."""
        self._ids.trace_id, self._ids.span_id = int(own.trace_id, 16), int(own.span_id, 16)
        self._ids.is_random = own.is_random
        self._decided.decision, self._decided.trace_state = result.decision, result.trace_state
        every = {**attributes, **dict(result.attributes or {})}
        return self._start(parent, SpanKind.SERVER, every, begun_s)

    def client(
        self, server: Span, span_id: int, attributes: Attributes, begun_s: float
    ) -> Span | None:
        """What we ask of a service, as a part of what `server` is."""
        self._ids.span_id = span_id
        context = server.get_span_context()
        self._decided.decision = Decision.RECORD_ONLY
        self._decided.trace_state = None
        if context is not None:
            self._decided.trace_state = context.trace_state
            if context.trace_flags.sampled:
                self._decided.decision = Decision.RECORD_AND_SAMPLE
        return self._start(
            set_span_in_context(server, self.nobody), SpanKind.CLIENT, dict(attributes), begun_s
        )

    def _start(
        self,
        parent: Context,
        kind: SpanKind,
        attributes: dict[str, types.AttributeValue],
        at: float,
    ) -> Span | None:
        name = span_name(str(attributes["http.request.method"]))
        span = self._tracer.start_span(name, parent, kind, attributes, start_time=int(at * 1e9))
        return span if isinstance(span, Span) else None


def end(span: Span, ending: Ending, at: float) -> None:
    """`at`: wall clock, seconds."""
    span.set_attributes(dict(ending.attributes))
    if ending.error:
        span.set_status(Status(StatusCode.ERROR))
    span.end(int(at * 1e9))
