"""Traces whose spans are kept, and a collector of OTLP over HTTP that listens on a real socket."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler
from opentelemetry.trace import SpanKind

from authproxy.exchange import Exchange, read_fields
from authproxy.observe.spans import SpanMaker
from authproxy.observe.trace_rule import find_rule
from authproxy.observe.traces import Traces


class KeptSpans:
    """Traces by a sampler of choice, with what came of them."""

    def __init__(
        self, sampler: Sampler | None = None, limits: SpanLimits | None = None, **more: Any
    ) -> None:
        self._exporter = InMemorySpanExporter()
        resource = Resource({"service.name": "authproxy"})
        spans = SpanMaker(self._keep, resource, limits or SpanLimits(), **more)
        self.traces = Traces(spans, find_rule(sampler or ParentBased(ALWAYS_ON)))

    def _keep(self, span: ReadableSpan) -> None:
        self._exporter.export([span])

    @property
    def all(self) -> Sequence[ReadableSpan]:
        """Those that have ended, in that order."""
        return self._exporter.get_finished_spans()

    @property
    def servers(self) -> list[ReadableSpan]:
        return [span for span in self.all if span.kind is SpanKind.SERVER]

    @property
    def clients(self) -> list[ReadableSpan]:
        return [span for span in self.all if span.kind is SpanKind.CLIENT]

    def clear(self) -> None:
        self._exporter.clear()


def told(traces: Traces, exchange: Exchange) -> dict[bytes, bytes]:
    """What goes to the service of an exchange, by names."""
    own = traces.fields_to_send(exchange)
    if isinstance(own, bytes):
        return {name: value for name, value, _ in read_fields(own)}
    return dict(own)


class Collector:
    """What a collector got, request by request; it answers as it is told."""

    def __init__(self) -> None:
        self.url = ""
        self.status = 200
        self.tries = 0
        self.requests: list[ExportTraceServiceRequest] = []
        self.raw = b""
        self.headers: list[dict[str, str]] = []

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    async def take(self, request: web.Request) -> web.Response:
        self.tries += 1
        body = await request.read()
        if self.status == 200:
            self.raw += body
            self.headers.append(dict(request.headers))
            self.requests.append(ExportTraceServiceRequest.FromString(body))
        return web.Response(status=self.status, content_type="application/x-protobuf")


@asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    made = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", made.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield made
    finally:
        await runner.cleanup()


def attribute(span: Any, name: str) -> Any:
    """Of a span as OTLP has it."""
    for each in span.attributes:
        if each.key == name:
            return getattr(each.value, each.value.WhichOneof("value"))
    return None
