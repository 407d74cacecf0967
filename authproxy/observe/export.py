"""Export of spans: to an OpenTelemetry collector, by OTLP over HTTP, as OTEL_ variables say.

Spans are sent from a thread of their own, so neither a slow collector nor one that is gone holds up
a request: what it cannot take is dropped. That is said once, until it has taken some again.
"""

import logging
import os
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SpanExporter,
    SpanExportResult,
)

from authproxy import __version__
from authproxy.observe.collector_address import find_collector
from authproxy.observe.logs import printable
from authproxy.observe.span_attributes import METHODS
from authproxy.observe.spans import SpanMaker
from authproxy.observe.trace_rule import find_rule
from authproxy.observe.traces import Traces

logger = logging.getLogger(__name__)

FLUSH_S = 2.0
"""How long the last spans have to get out when the program ends."""
_VALUE = re.compile(r"%[-.\d]*[a-z]")
_SENTENCE_CHARS, _MOST_SENTENCES = 200, 100
_DEEPEST = 10
"""So many errors below each other are looked at."""


class Watched(SpanExporter):
    """An exporter whose failures are said once. In between it is one that has no voice."""

    def __init__(self, exporter: SpanExporter, where: str = "") -> None:
        """`where`: the collector's address."""
        self._exporter = exporter
        self._where = f" at {where}" if where else ""
        self._lost = 0
        self.reason = ""
        """What the library said of the last failure."""
        self.is_busy = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.reason, self.is_busy = "", True
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # noqa: BLE001 -- it is a library's, and nobody is above it
            result, self.reason = SpanExportResult.FAILURE, _told(error)
        self.is_busy = False
        if result is not SpanExportResult.SUCCESS:
            self._failed(len(spans))
        elif self._lost:
            logger.warning("traces are taken again; %d spans were lost", self._lost)
            self._lost = 0
        return result

    def _failed(self, count: int) -> None:
        if not self._lost:
            logger.warning(
                "traces are not taken by the collector%s, and spans are lost until they are%s",
                self._where,
                f": {self.reason}" if self.reason else "",
            )
        self._lost += count

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._exporter.force_flush(timeout_millis)

    def __repr__(self) -> str:
        return f"<Watched [{self._lost} spans lost since the last that were taken]>"


class Overheard(logging.Handler):
    """Takes what OpenTelemetry logs: of spans that it sends the reason alone, all else once.

    Values are left out. Among them are headers and addresses of collectors, which hold keys.
    """

    def __init__(self, watched: Sequence[Watched]) -> None:
        super().__init__(logging.WARNING)
        self._watched = watched
        self._said: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        busy = [each for each in self._watched if each.is_busy]
        for each in busy:
            each.reason = _reason(record.args) or each.reason
        if busy:
            return
        sentence = printable(_VALUE.sub("…", str(record.msg)))[:_SENTENCE_CHARS]
        if sentence not in self._said and len(self._said) < _MOST_SENTENCES:
            self._said.add(sentence)
            logger.log(record.levelno, "OpenTelemetry says: %s", sentence)


def _reason(args: object) -> str:
    """A status or the kind of an error, whichever is among what an exporter has to say."""
    said = args if isinstance(args, tuple) else ()
    for value in said:
        if isinstance(value, int) and 100 <= value <= 999:
            return f"it answered {value}"
    return next((_told(value) for value in said if isinstance(value, Exception)), "")


def _told(error: BaseException) -> str:
    """Its kind, and what the system said below it; never its own text, which has the address."""
    kind, at = type(error).__name__, error
    for _ in range(_DEEPEST):
        below = at.__cause__ or at.__context__
        if isinstance(at, OSError) and at.errno and at.strerror:
            is_theirs = isinstance(at, socket.gaierror | ssl.SSLError)  # with numbers of their own
            return f"{kind}, {printable(at.strerror if is_theirs else os.strerror(at.errno))}"
        if below is None:
            break
        at = below
    return kind


def make_exporter(name: str) -> SpanExporter:
    """`otlp` or `console`, by the variables that the SDK knows for it."""
    return ConsoleSpanExporter() if name == "console" else OTLPSpanExporter()


class Export:
    """Tracer and exporters, by the variables in `environ` and those that the SDK reads.

    Raises ValueError for a variable that the SDK refuses.
    """

    def __init__(
        self,
        names: Iterable[str],
        environ: Mapping[str, str],
        make: Callable[[str], SpanExporter] = make_exporter,
    ) -> None:
        self._environ = environ
        self.watched: list[Watched] = []
        overhear(self.watched)
        self._resource = find_resource(environ)
        where = find_collector(environ)
        self.watched += [Watched(make(name), where if name == "otlp" else "") for name in names]
        self._processors: list[SpanProcessor] = [
            BatchSpanProcessor(exporter) for exporter in self.watched
        ]

    def traces(self, *, is_tls: bool) -> Traces:
        """The observer. The sampler is the one that the SDK takes for the variables."""
        chosen = TracerProvider(resource=self._resource, shutdown_on_exit=False)
        spans = SpanMaker(
            self._emit,
            self._resource,
            SpanLimits(),
            is_tls=is_tls,
            known_methods=find_methods(self._environ),
        )
        return Traces(spans, find_rule(chosen.sampler))

    def flush(self, patience_s: float = FLUSH_S) -> None:
        """Send what waits, but for no longer than this. Blocks: only for the program's end."""
        threads = [
            threading.Thread(target=each.shutdown, name="last spans", daemon=True)
            for each in self._processors
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(patience_s / len(threads))

    def _emit(self, span: ReadableSpan) -> None:
        for processor in self._processors:
            processor.on_end(span)

    def __repr__(self) -> str:
        count = len(self.watched)
        return f"<Export [{count} exporter{'s' if count != 1 else ''}]>"


def overhear(watched: Sequence[Watched]) -> None:
    """Let OpenTelemetry's lines go nowhere else: they come at every try, and with their values."""
    theirs = logging.getLogger("opentelemetry")
    theirs.propagate = False
    theirs.handlers[:] = [Overheard(watched)]


def find_resource(environ: Mapping[str, str]) -> Resource:
    """Who sends the spans. What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say wins."""
    known = {"service.name": "authproxy", "service.version": __version__}
    if environ.get("K_SERVICE"):  # on Cloud Run
        known |= {
            "cloud.provider": "gcp",
            "cloud.platform": "gcp_cloud_run",
            "faas.name": environ["K_SERVICE"],
            "faas.version": environ.get("K_REVISION", ""),
        }
    given = {name: value for name, value in known.items() if value}
    return Resource.create(given).merge(OTELResourceDetector().detect())


def find_methods(environ: Mapping[str, str]) -> frozenset[str]:
    """Those of HTTP that spans call by their name."""
    named = environ.get("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "")
    return frozenset(name.strip() for name in named.split(",") if name.strip()) or METHODS
