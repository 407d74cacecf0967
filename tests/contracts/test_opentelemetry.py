"""What we rely on in OpenTelemetry, beyond what it promises."""

import json
from typing import Any

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, TracerProvider, sampling
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanKind, Status, StatusCode

ABOUT: dict[str, Any] = {"http.request.method": "GET", "server.port": 443, "flag": True}


def test_a_span_that_is_made_at_once_is_sent_as_one_of_the_tracers() -> None:
    """`observe.spans` makes them so; the library says that its tracer makes them."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "a"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("authproxy", "1", "https://schema")
    span = tracer.start_span("GET", Context(), SpanKind.SERVER, ABOUT, start_time=5)
    span.add_event("answer begins", timestamp=6)
    span.set_status(Status(StatusCode.ERROR))
    span.end(7)
    (theirs,) = kept.get_finished_spans()
    ours = ReadableSpan(
        "GET",
        context=theirs.context,
        resource=provider.resource,
        attributes=ABOUT,
        events=[Event("answer begins", {}, 6)],
        kind=SpanKind.SERVER,
        status=Status(StatusCode.ERROR),
        start_time=5,
        end_time=7,
        instrumentation_scope=InstrumentationScope("authproxy", "1", "https://schema"),
    )

    assert encode_spans([theirs]) == encode_spans([ours])
    assert json.loads(theirs.to_json()) == json.loads(ours.to_json())


def test_samplers_with_names_are_those_that_a_rule_stands_for() -> None:
    """`observe.trace_rule` takes it that they look at numbers and at the client's word alone."""
    assert {
        *("always_on", "always_off", "parentbased_always_on", "parentbased_always_off"),
        *("traceidratio", "parentbased_traceidratio"),
    } == set(sampling._KNOWN_SAMPLERS)
