"""What is counted of exchanges."""

import pytest

from authproxy.errors import Code
from authproxy.exchange import Exchange, RequestHead
from authproxy.observe.metrics.exchanges import (
    EXAMPLE_EVERY_S,
    LOOK_EVERY_S,
    METHODS,
    ExchangeMetrics,
)
from authproxy.times import Times, Wait
from tests.support.metrics import NOW, ended

TRACE = "0af7651916cd43dd8448eb211c80319c"
OTHER_TRACE = "1" * 32


def traceparent(trace: str = TRACE, flags: str = "01") -> list[tuple[bytes, bytes]]:
    return [(b"Traceparent", f"00-{trace}-b7ad6b7169203331-{flags}".encode())]


def counted(*exchanges: Exchange) -> ExchangeMetrics:
    metrics = ExchangeMetrics()
    for exchange in exchanges:
        metrics.exchange_ended(exchange)
    return metrics


@pytest.mark.parametrize(
    ("exchange", "labels"),
    [
        (ended(), ("billing", "GET", "2xx", "")),
        (ended(method=b"DELETE", status=404), ("billing", "DELETE", "4xx", "")),
        (ended(status=101), ("billing", "GET", "1xx", "")),
        (ended(status=0), ("billing", "GET", "none", "")),
        (ended(status=999), ("billing", "GET", "9xx", "")),
        (ended("", status=404, code=Code.NO_ROUTE), ("", "GET", "4xx", "no_route")),
        (ended(method=b"BREW"), ("billing", "other", "2xx", "")),
        (ended(method=b"get"), ("billing", "other", "2xx", "")),
        (
            ended(status=502, code=Code.CONNECT_FAILED),
            ("billing", "GET", "5xx", "connect_failed"),
        ),
    ],
)
def test_a_request_counts_by_service_method_class_and_error(
    exchange: Exchange, labels: tuple[str, ...]
) -> None:
    metrics = counted(exchange, exchange, exchange)

    assert {labels: 3} == {found: series.count for found, series in metrics.series.items()}
    assert "3 exchanges, 1 series" in repr(metrics)


def test_what_clients_make_up_makes_no_series_and_is_not_remembered() -> None:
    metrics = ExchangeMetrics()
    for number in range(10_000):
        metrics.exchange_ended(ended(method=f"M{number}".encode(), status=number % 600))

    classes = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"}
    assert {("billing", "other", each, "") for each in classes} == set(metrics.series)
    assert 10_000 == sum(series.count for series in metrics.series.values())


def test_methods_of_every_registry_entry_that_is_common_are_known() -> None:
    assert {method.decode(): method.decode() for method in METHODS} == {
        name: name for name in METHODS.values()
    }
    assert {"GET", "POST", "OPTIONS"} < set(METHODS.values())


def test_bytes_retries_and_who_left_count_for_the_service() -> None:
    one, two = ended(), ended(attempts=3)
    one.bytes_from_client, one.bytes_to_client, one.aborted = 3, 5, "client"
    two.bytes_from_client, two.bytes_to_client = 4, 6
    service = counted(one, two).service("billing")

    assert (7, 11, 2) == (service.received, service.sent, service.retries)
    assert {"client": 1, "service": 0, "authproxy": 0} == service.aborted


def test_our_own_latency_ends_where_the_services_begins() -> None:
    service = counted(ended(sent_s=0.0002, first_byte_s=0.0502, duration_s=0.2)).service("billing")

    assert (1, 1, 1) == (service.added.count, service.latency.count, service.duration.count)
    assert 0.0002 == service.added.total
    assert 0.05 == pytest.approx(service.latency.total)
    assert 0.2 == service.duration.total


def test_what_was_sent_twice_tells_nothing_of_our_own_latency() -> None:
    """The service was waited for in between."""
    service = counted(ended(attempts=2, sent_s=3.0, first_byte_s=3.5)).service("billing")

    assert (0, 1, 1) == (service.added.count, service.latency.count, service.retries)
    assert 0.5 == service.latency.total


def test_a_request_without_an_answer_of_the_service_has_no_latency_of_it() -> None:
    exchange = ended(status=504, code=Code.UPSTREAM_TIMEOUT, first_byte_s=0.0)

    assert 0 == counted(exchange).service("billing").latency.count


def test_waits_count_for_those_who_waited_one_after_the_other() -> None:
    exchange = ended()
    exchange.times = Times()
    exchange.times.waits = Wait("token", 0.0, 0.3), Wait("connection", 0.3, 0.7)
    service = counted(exchange, ended()).service("billing")

    assert (1, 1) == (service.token_wait.count, service.connection_wait.count)
    assert 0.3 == service.token_wait.total
    assert 0.4 == pytest.approx(service.connection_wait.total)


def test_all_waits_of_a_request_count_together_and_nothing_between_them() -> None:
    """It was sent for the first time at 0.7, and turned down at 8."""
    exchange = ended(attempts=2)
    exchange.times = Times()
    exchange.times.waits = (
        Wait("connection", 0.25, 0.5),
        Wait("token", 0.25, 0.75),
        Wait("token", 8.0, 8.5),
    )
    service = counted(exchange).service("billing")

    assert (1, 0.25) == (service.connection_wait.count, service.connection_wait.total)
    assert (1, 1.0) == (service.token_wait.count, service.token_wait.total)


@pytest.mark.parametrize(
    "exchange",
    [
        ended("", status=421, code=Code.HOST_NOT_ALLOWED, attempts=0),
        ended(status=101),
    ],
    ids=["no service", "tunnel"],
)
def test_what_is_no_request_of_a_service_has_no_duration(exchange: Exchange) -> None:
    metrics = counted(exchange)

    assert [0] == [each.duration.count for each in metrics.services.values()]


def test_a_refused_request_has_a_duration_and_no_latency() -> None:
    exchange = ended(status=403, code=Code.PATH_NOT_ALLOWED, attempts=0, first_byte_s=0.0)
    service = counted(exchange).service("billing")

    assert (1, 0, 0) == (service.duration.count, service.added.count, service.latency.count)


def test_who_waited_in_vain_is_not_counted_among_those_who_waited() -> None:
    exchange = ended(status=502, code=Code.CONNECT_FAILED, attempts=0, first_byte_s=0.0)
    exchange.times = Times()
    exchange.times.waits = (Wait("token", 0.0, 0.3),)

    assert 0 == counted(exchange).service("billing").token_wait.count


def test_the_trace_of_a_request_that_is_recorded_is_an_example() -> None:
    exchange = ended(fields=traceparent(), duration_s=0.02)
    duration = counted(exchange).service("billing").duration

    assert [(TRACE, 0.02, NOW + 0.02)] == list(duration.examples.values())
    assert 1 == duration.counts[next(iter(duration.examples))]


@pytest.mark.parametrize(
    "fields",
    [
        [],
        traceparent(flags="00"),
        [(b"traceparent", b"hunter2")],
        [(b"X-Cloud-Trace-Context", TRACE.encode())],
    ],
    ids=["none", "not recorded", "malformed", "does not say"],
)
def test_a_trace_that_nobody_can_look_at_is_no_example(fields: list[tuple[bytes, bytes]]) -> None:
    assert {} == counted(ended(fields=fields)).service("billing").duration.examples


def test_googles_field_names_an_example_too() -> None:
    field = (b"X-Cloud-Trace-Context", f"{TRACE}/1;o=1".encode())
    examples = counted(ended(fields=[field])).service("billing").duration.examples

    assert [TRACE] == [each.trace_id for each in examples.values()]


def test_each_bucket_looks_for_an_example_now_and_then() -> None:
    metrics = counted(
        ended(fields=traceparent()),
        ended(fields=traceparent(OTHER_TRACE)),
        ended(fields=traceparent(OTHER_TRACE), duration_s=4.0),
    )
    duration = metrics.service("billing").duration
    assert [TRACE, OTHER_TRACE] == [each.trace_id for each in duration.examples.values()]
    later = NOW + EXAMPLE_EVERY_S
    metrics.exchange_ended(ended(fields=traceparent(OTHER_TRACE), started_at=later))

    assert [OTHER_TRACE] * 2 == [each.trace_id for each in duration.examples.values()]


def test_requests_without_a_trace_do_not_keep_one_with_it_from_being_seen_for_long() -> None:
    traced = ended(fields=traceparent(), started_at=NOW + LOOK_EVERY_S)
    duration = counted(ended(), traced).service("billing").duration

    assert [TRACE] == [each.trace_id for each in duration.examples.values()]


def test_the_head_of_a_request_is_left_as_it_was() -> None:
    exchange = Exchange("run", 1, None, RequestHead(b"GET", b"/", "1.1", []))
    before = attributes(exchange)
    counted(exchange)

    assert before == attributes(exchange)


def attributes(exchange: Exchange) -> dict[str, object]:
    """As vars(), which a compiled class has not."""
    names = [name for name in dir(exchange) if not name.startswith("_")]
    return {name: getattr(exchange, name) for name in names}
