import asyncio
import logging
import threading
from collections.abc import Iterator, Sequence
from itertools import pairwise
from socket import gaierror

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from authproxy import __version__
from authproxy.observe.export import (
    Export,
    Watched,
    find_methods,
    find_resource,
    overhear,
)
from authproxy.observe.span_attributes import METHODS
from tests.support.exchanges import exchange
from tests.support.spans import attribute, collector, told
from tests.support.talking import until

SECRET = "key-of-the-collector"


@pytest.fixture(autouse=True)
def _opentelemetrys_log_as_it_was() -> Iterator[None]:
    theirs = logging.getLogger("opentelemetry")
    handlers, propagate = list(theirs.handlers), theirs.propagate
    yield
    theirs.handlers[:], theirs.propagate = handlers, propagate


class Exporter(SpanExporter):
    """Does what it is told."""

    def __init__(self) -> None:
        self.result = SpanExportResult.SUCCESS
        self.error: Exception | None = None
        self.says: tuple[object, ...] = ()
        self.is_shut_down = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self.says:
            logging.getLogger("opentelemetry.exporter.otlp").error("Failed %s %s", *self.says)
        if self.error is not None:
            raise self.error
        return self.result

    def shutdown(self) -> None:
        self.is_shut_down = True

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def chain(*errors: Exception) -> Exception:
    """The first, because of the second, because of the third."""
    for error, below in pairwise(errors):
        error.__cause__ = below
    return errors[0]


def test_an_outage_is_told_with_the_address_of_the_collector(
    caplog: pytest.LogCaptureFixture,
) -> None:
    exporter = Exporter()
    exporter.result = SpanExportResult.FAILURE
    export = Export(["otlp"], {}, lambda _: exporter)
    export.watched[0].export(SPANS)
    export.flush()

    assert caplog.messages == [
        "traces are not taken by the collector at http://localhost:4318, and spans are lost until"
        " they are"
    ]


SPANS = [ReadableSpan("GET")] * 3


def test_an_outage_is_said_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    exporter = Exporter()
    watched = Watched(exporter)
    watched.export(SPANS)
    exporter.result = SpanExportResult.FAILURE
    for _ in range(5):
        watched.export(SPANS)
    assert "<Watched [15 spans lost since the last that were taken]>" == repr(watched)
    exporter.result = SpanExportResult.SUCCESS
    watched.export(SPANS)
    exporter.error = OSError(SECRET)
    assert SpanExportResult.FAILURE is watched.export(SPANS)
    assert watched.force_flush()
    watched.shutdown()

    assert exporter.is_shut_down
    assert caplog.messages == [
        "traces are not taken by the collector, and spans are lost until they are",
        "traces are taken again; 15 spans were lost",
        "traces are not taken by the collector, and spans are lost until they are: OSError",
    ]


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (("spans", 503), ": it answered 503"),
        ((ConnectionError(SECRET), "spans"), ": ConnectionError"),
        (("spans", SECRET), ""),
        ((SECRET, 5), ""),
        (
            (chain(ConnectionError(SECRET), OSError(111, SECRET)), "spans"),
            ": ConnectionError, Connection refused",
        ),
        (
            (chain(OSError(SECRET), ValueError(SECRET), gaierror(-2, "Name not known")), "spans"),
            ": OSError, Name not known",
        ),
    ],
)
def test_of_what_exporters_say_only_the_kind_of_failure_is_told(
    says: tuple[object, ...], reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = Exporter()
    exporter.says, exporter.result = says, SpanExportResult.FAILURE
    export = Export(["ours"], {}, lambda _: exporter)
    (watched,) = export.watched
    watched.export(SPANS)
    export.flush()

    assert caplog.messages == [
        f"traces are not taken by the collector, and spans are lost until they are{reason}"
    ]
    assert "1 exporter" in repr(export)


def test_what_else_opentelemetry_says_is_told_once_and_without_values(
    caplog: pytest.LogCaptureFixture,
) -> None:
    overhear([])
    theirs = logging.getLogger("opentelemetry.util.re")
    for _ in range(3):
        theirs.warning("Header %s is invalid, %5.2f", SECRET, 1.5)
    theirs.error("something\nelse")
    for number in range(200):
        theirs.error(f"sentence {number}")

    assert caplog.messages[:2] == [
        "OpenTelemetry says: Header … is invalid, …",
        "OpenTelemetry says: something\\nelse",
    ]
    assert 100 == len(caplog.messages)


def test_a_resource_is_authproxy_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = find_resource({}).attributes
    assert ("authproxy", __version__) == (plain["service.name"], plain["service.version"])
    on_cloud_run = find_resource({"K_SERVICE": "billing", "K_REVISION": "billing-7"}).attributes
    assert ("gcp_cloud_run", "billing", "billing-7") == (
        on_cloud_run["cloud.platform"],
        on_cloud_run["faas.name"],
        on_cloud_run["faas.version"],
    )
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.version=9,team=a")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "front")
    given = find_resource({}).attributes

    assert ("front", "9", "a") == (given["service.name"], given["service.version"], given["team"])


def test_known_methods_are_those_that_the_variable_names() -> None:
    assert METHODS == find_methods({})
    named = {"OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS": "GET, BREW,,"}
    assert {"GET", "BREW"} == find_methods(named)


async def test_spans_arrive_at_a_collector_as_the_variables_say(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with collector() as there:
        for name, value in {
            "OTEL_EXPORTER_OTLP_ENDPOINT": there.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={SECRET}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_BSP_SCHEDULE_DELAY": "20",
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "1.0",
        }.items():
            monkeypatch.setenv(name, value)
        export = Export(["otlp"], {})
        traces = export.traces(is_tls=False)
        traces.exchange_ended(exchange())
        await until(lambda: len(there.spans) == 1)
        there.status = 503
        traces.exchange_ended(exchange())
        await until(lambda: there.tries >= 2)
        there.status = 200
        traces.exchange_ended(exchange())
        await asyncio.to_thread(export.flush, 20)
        await until(lambda: len(there.spans) == 3)

    assert "/a/b" == attribute(there.spans[0], "url.path")
    resource = there.requests[0].resource_spans[0]
    assert "authproxy" == attribute(resource.resource, "service.name")
    assert "https://opentelemetry.io/schemas/1.44.0" == resource.scope_spans[0].schema_url
    assert SECRET == there.headers[0]["x-key"]
    assert SECRET.encode() not in there.raw
    assert SECRET not in caplog.text


async def test_the_sampler_is_the_one_that_the_variable_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with collector() as there:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", there.url)
        export = Export(["otlp"], {})
        for name, expected in (("always_on", b"3"), ("always_off", b"2")):
            monkeypatch.setenv("OTEL_TRACES_SAMPLER", name)
            sent = told(export.traces(is_tls=False), exchange())
            assert sent[b"traceparent"].endswith(expected)
        await asyncio.to_thread(export.flush, 20)


async def test_a_collector_that_is_gone_holds_up_the_end_for_no_longer_than_it_may(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with collector() as there:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{there.url}/v1/traces")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    others = set(threading.enumerate())
    export = Export(["otlp", "console"], {})
    traces = export.traces(is_tls=False)
    traces.exchange_ended(exchange())
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await asyncio.to_thread(export.flush, 0.2)

    assert loop.time() - begun < 5
    assert "Traceback" not in caplog.text
    # What still tries would draw from `random` in the middle of other tests.
    await until(lambda: set(threading.enumerate()) - others <= executor_threads())


def executor_threads() -> set[threading.Thread]:
    """The loop's own, of `to_thread`: they go with it."""
    return {each for each in threading.enumerate() if each.name.startswith("asyncio_")}
