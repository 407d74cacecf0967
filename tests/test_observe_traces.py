from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    Sampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import StatusCode

from authproxy.errors import Code
from authproxy.exchange import Exchange, make_field
from authproxy.observe.trace_context import parse_traceparent
from authproxy.times import Times, Wait
from tests.support.exchanges import exchange
from tests.support.sent_heads import SENT
from tests.support.spans import KeptSpans, told

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"


def asked(*fields: tuple[str, str], **more: Any) -> Exchange:
    made = exchange(
        fields=tuple(make_field(name.encode(), value.encode()) for name, value in fields), **more
    )
    made.first_byte_s = 0.01
    return made


def tell(kept: KeptSpans, made: Exchange, tries: int = 1) -> list[dict[bytes, bytes]]:
    """All that the server tells of an exchange; what it would have sent at each try."""
    fields = []
    for _ in range(tries):
        fields.append(told(kept.traces, made))
        kept.traces.exchange_sent(made, SENT)
    kept.traces.exchange_ended(made)
    assert 0 == kept.traces.open
    return fields


def ids(span: ReadableSpan) -> tuple[str, str, str | None]:
    """Trace, span, parent."""
    assert span.context is not None
    parent = None if span.parent is None else f"{span.parent.span_id:016x}"
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}", parent


def only(kept: KeptSpans) -> tuple[ReadableSpan, ReadableSpan]:
    (server,), (client,) = kept.servers, kept.clients
    return server, client


def test_an_exchange_has_a_server_span_and_below_it_a_client_span() -> None:
    kept = KeptSpans()
    (fields,) = tell(kept, asked())
    server, client = only(kept)
    trace, server_id, above = ids(server)

    assert (None, server_id) == (above, ids(client)[2])
    assert {b"traceparent": f"00-{trace}-{ids(client)[1]}-03".encode()} == fields
    assert ("GET", "GET") == (server.name, client.name)
    assert (StatusCode.UNSET, StatusCode.UNSET) == (
        server.status.status_code,
        client.status.status_code,
    )
    assert [1_700_000_000_250_000, 1_700_000_000_262_500] == [
        round((at or 0) / 1000) for at in (server.start_time, server.end_time)
    ]
    assert ["answer begins"] == [event.name for event in client.events]
    assert server.instrumentation_scope is not None
    assert "authproxy" == server.instrumentation_scope.name


@pytest.mark.parametrize(
    ("fields", "trace", "parent"),
    [
        ([("traceparent", f"00-{TRACE}-{SPAN}-01")], TRACE, SPAN),
        ([("X-Cloud-Trace-Context", f"{TRACE}/123;o=1")], TRACE, "000000000000007b"),
        ([("X-Cloud-Trace-Context", f"{TRACE.upper()}/123;o=1")], TRACE, "000000000000007b"),
        ([("X-Cloud-Trace-Context", f"{TRACE}/0;o=1")], TRACE, None),
        ([("X-Cloud-Trace-Context", f"{TRACE};o=1")], TRACE, None),
        ([("X-Cloud-Trace-Context", TRACE)], TRACE, None),
        (
            [
                ("X-Cloud-Trace-Context", f"{'1' * 32}/5;o=1"),
                ("traceparent", f"00-{TRACE}-{SPAN}-01"),
            ],
            TRACE,
            SPAN,
        ),
    ],
    ids=["W3C", "Google's", "capitals", "span 0", "no span", "bare", "both"],
)
def test_a_trace_of_the_clients_goes_on(
    fields: Sequence[tuple[str, str]], trace: str, parent: str | None
) -> None:
    kept = KeptSpans()
    (sent,) = tell(kept, asked(*fields))
    server, client = only(kept)

    assert (trace, parent) == (ids(server)[0], ids(server)[2])
    assert trace == ids(client)[0]
    assert sent[b"traceparent"].startswith(f"00-{trace}-{ids(client)[1]}-0".encode())
    if fields[0][0] == "X-Cloud-Trace-Context":
        span = int(ids(client)[1], 16)
        assert f"{trace}/{span};o=1".encode() == sent[b"x-cloud-trace-context"]
    else:
        assert b"x-cloud-trace-context" not in sent


@pytest.mark.parametrize(
    "fields",
    [
        [("traceparent", f"00-{TRACE}-{SPAN}")],
        [("traceparent", f"00-{TRACE}-{SPAN}-01")] * 2,
        [("X-Cloud-Trace-Context", "x")],
    ],
    ids=["malformed", "two", "Google's malformed"],
)
def test_what_names_no_trace_begins_a_new_one(fields: Sequence[tuple[str, str]]) -> None:
    kept = KeptSpans()
    (sent,) = tell(kept, asked(*fields, ("tracestate", "a=1")))
    server, _ = only(kept)

    assert None is server.parent
    assert TRACE != ids(server)[0]
    assert b"tracestate" not in sent


@pytest.mark.parametrize(
    "lines", [["a=1,b=2"], ["a=1", "b=2"], ["a=1 , ,b=2"]], ids=["one line", "two lines", "spaces"]
)
def test_tracestate_passes_as_it_came(lines: list[str]) -> None:
    kept = KeptSpans()
    fields = [("tracestate", line) for line in lines]
    (sent,) = tell(kept, asked(("traceparent", f"00-{TRACE}-{SPAN}-01"), *fields))
    server, _ = only(kept)

    assert ",".join(lines).encode() == sent[b"tracestate"]
    assert server.context is not None
    assert {"a": "1", "b": "2"} == dict(server.context.trace_state)


RATIO_OFF = ParentBased(TraceIdRatioBased(0.0))


@pytest.mark.parametrize(
    ("sampler", "fields", "expected"),
    [
        (ALWAYS_OFF, [], "00-*-02"),
        (RATIO_OFF, [], "00-*-02"),
        (ParentBased(ALWAYS_ON), [("traceparent", f"00-{TRACE}-{SPAN}-00")], f"{TRACE}-{SPAN}-00"),
        (ALWAYS_OFF, [("traceparent", f"00-{TRACE}-{SPAN}-01")], f"{TRACE}-{SPAN}-00"),
        (RATIO_OFF, [("X-Cloud-Trace-Context", f"{TRACE}/183;o=0")], f"{TRACE}-{183:016x}-00"),
        (RATIO_OFF, [("X-Cloud-Trace-Context", f"{TRACE}/183")], f"{TRACE}-{183:016x}-00"),
        (RATIO_OFF, [("X-Cloud-Trace-Context", f"{TRACE};o=0")], f"{TRACE}-*-00"),
    ],
)
def test_a_trace_that_is_not_recorded_is_told_to_the_service_as_one(
    sampler: Sampler, fields: Sequence[tuple[str, str]], expected: str
) -> None:
    kept = KeptSpans(sampler)
    first, second = tell(kept, asked(*fields), tries=2)

    assert first == second
    begin, _, rest = expected.partition("*")
    assert begin in first[b"traceparent"].decode()
    assert first[b"traceparent"].decode().endswith(rest)
    if fields and fields[0][0] != "traceparent":
        assert first[b"x-cloud-trace-context"].endswith(b";o=0")
    assert [] == list(kept.all)


@pytest.mark.parametrize(
    "fields",
    [
        [("traceparent", f"00-{TRACE}-{SPAN}-01")],
        [("X-Cloud-Trace-Context", f"{TRACE}/183;o=1")],
        [("X-Cloud-Trace-Context", f"{TRACE}/0;o=1")],
    ],
)
def test_a_client_that_records_its_part_decides_for_ours(
    fields: Sequence[tuple[str, str]],
) -> None:
    kept = KeptSpans(RATIO_OFF)
    tell(kept, asked(*fields))

    assert 2 == len(kept.all)


def test_each_time_that_it_is_sent_has_a_span() -> None:
    kept = KeptSpans()
    sent = tell(kept, asked(), tries=3)
    (server,) = kept.servers
    clients = kept.clients

    assert [None, 1, 2] == [
        (span.attributes or {}).get("http.request.resend_count") for span in clients
    ]
    assert {ids(server)[1]} == {ids(span)[2] for span in clients}
    assert [fields[b"traceparent"].split(b"-")[2].decode() for fields in sent] == [
        ids(span)[1] for span in clients
    ]


def test_what_was_refused_has_a_server_span_alone() -> None:
    kept = KeptSpans()
    kept.traces.exchange_ended(asked(status=403, code=Code.ADDRESS_NOT_ALLOWED, service=""))

    (server,) = kept.all
    assert 403 == (server.attributes or {})["http.response.status_code"]
    assert StatusCode.UNSET == server.status.status_code


def test_a_failure_is_a_spans_status_and_has_no_words() -> None:
    kept = KeptSpans()
    tell(kept, asked(status=500, detail="hunter2"))

    for span in kept.all:
        assert (StatusCode.ERROR, None) == (span.status.status_code, span.status.description)


def test_a_call_of_grpc_is_called_by_its_method() -> None:
    kept = KeptSpans()
    made = asked(("Content-Type", "application/grpc"), target=b"/a.B/C", version="2", grpc_status=5)
    kept.traces.fields_to_send(made)
    kept.traces.exchange_sent(made, SENT)
    kept.traces.exchange_ended(made)
    server, client = only(kept)

    assert ("a.B/C", "a.B/C") == (server.name, client.name)
    assert "NOT_FOUND" == (client.attributes or {})["error.type"]
    assert StatusCode.UNSET == server.status.status_code


def test_log_lines_have_the_server_span_until_the_end() -> None:
    kept = KeptSpans()
    made = asked(("traceparent", f"00-{TRACE}-{SPAN}-01"))
    kept.traces.fields_to_send(made)
    found = kept.traces.trace_of(made)
    kept.traces.exchange_ended(made)
    (server,) = kept.servers

    assert found is not None
    assert (TRACE, ids(server)[1], True) == (found.trace_id, found.span_id, found.sampled)


def test_health_checks_are_no_part_of_any_trace() -> None:
    kept = KeptSpans()
    made = asked(code=Code.HEALTHY)

    assert None is kept.traces.trace_of(made)
    kept.traces.exchange_ended(made)
    assert [] == list(kept.all)


def test_no_secret_of_a_request_is_in_a_span() -> None:
    kept = KeptSpans()
    tell(
        kept,
        asked(
            ("Content-Type", "application/grpc"),
            target=b"http://me:hunter2@localhost/a?k=hunter2",
            host=b"me:hunter2@localhost",
        ),
    )

    assert 2 == len(kept.all)
    assert "hunter2" not in "".join(span.to_json() for span in kept.all)


def test_a_share_of_new_traces_is_recorded() -> None:
    kept = KeptSpans(ParentBased(TraceIdRatioBased(0.5)))
    for _ in range(400):
        tell(kept, asked())

    assert 100 < len(kept.servers) < 300
    assert all(ids(span)[0] for span in kept.servers)


def test_only_what_is_recorded_asks_to_hear_where_it_is_sent() -> None:
    kept, none = KeptSpans(), KeptSpans(ALWAYS_OFF)
    for each in (kept, none):
        made = asked()
        assert made not in each.traces.hears_sent_of
        each.traces.fields_to_send(made)
        assert (each is kept) == (made in each.traces.hears_sent_of)
        each.traces.exchange_ended(made)
        assert made not in each.traces.hears_sent_of


def test_numbers_are_never_zero_and_never_the_same() -> None:
    none = KeptSpans(ALWAYS_OFF)
    found = {tell(none, asked())[0][b"traceparent"] for _ in range(100)}
    contexts = [parse_traceparent(value) for value in found]

    assert 100 == len({each.trace_id for each in contexts if each is not None})
    assert 100 == len({each.span_id for each in contexts if each is not None})


def test_log_lines_of_what_is_not_recorded_have_what_the_service_is_told() -> None:
    none = KeptSpans(ALWAYS_OFF)
    made = asked()
    sent = told(none.traces, made)

    assert none.traces.trace_of(made) == parse_traceparent(sent[b"traceparent"])
    assert "<Traces [1 open, 0 of them recorded]>" == repr(none.traces)


@pytest.mark.parametrize(
    ("why", "status"), [(503, 503), (401, 401), (Code.UPSTREAM_BROKE, None)], ids=str
)
def test_a_try_before_another_ends_with_what_it_failed_by(
    why: int | Code, status: int | None
) -> None:
    kept = KeptSpans()
    made = asked()
    for is_last in (False, True):
        kept.traces.fields_to_send(made)
        kept.traces.exchange_sent(made, SENT)
        if not is_last:
            kept.traces.exchange_again(made, why)
    kept.traces.exchange_ended(made)
    first, last = kept.clients

    assert str(why) == (first.attributes or {})["error.type"]
    assert status == (first.attributes or {}).get("http.response.status_code")
    assert StatusCode.ERROR == first.status.status_code
    assert "error.type" not in (last.attributes or {})
    assert [] == list(first.events)


def test_what_it_waited_for_stands_in_the_server_span() -> None:
    kept = KeptSpans()
    made = asked()
    made.times = Times()
    made.times.waits = Wait("token", 0.0, 0.25), Wait("connection", 0.25, 0.5)
    tell(kept, made)
    (server,) = kept.servers

    assert [("token came", 0.25), ("connection came", 0.5)] == [
        (event.name, round(event.timestamp / 1e9 - made.started_at, 3)) for event in server.events
    ]
