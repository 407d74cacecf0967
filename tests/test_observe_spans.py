from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import SpanKind, StatusCode

from authproxy.observe.span_attributes import Ending
from authproxy.observe.spans import GivenDecision, GivenIds, SpanMaker, end
from authproxy.observe.trace_context import TraceContext

OWN = TraceContext("0" * 31 + "7", "0" * 15 + "8", sampled=True, is_w3c=True, is_random=True)
GET = {"http.request.method": "GET"}


def maker(ids: IdGenerator, sampler: Sampler) -> TracerProvider:
    return TracerProvider(sampler=sampler, id_generator=ids, shutdown_on_exit=False)


def test_a_span_has_the_numbers_that_were_given_before_it_began() -> None:
    spans = SpanMaker(maker)
    result = SamplingResult(Decision.RECORD_AND_SAMPLE, {"rule": "all"})
    server = spans.server(OWN, SpanMaker.nobody, result, dict(GET), 1.5)
    assert server is not None
    client = spans.client(server, 9, dict(GET), 2.0)
    assert client is not None

    assert server.context is not None
    assert client.context is not None
    assert (7, 8, 3) == (
        server.context.trace_id,
        server.context.span_id,
        server.context.trace_flags,
    )
    assert (7, 9, 3) == (
        client.context.trace_id,
        client.context.span_id,
        client.context.trace_flags,
    )
    assert client.parent == server.context
    assert (SpanKind.SERVER, SpanKind.CLIENT) == (server.kind, client.kind)
    assert {**GET, "rule": "all"} == dict(server.attributes or {})
    assert 1_500_000_000 == server.start_time


def test_what_is_recorded_for_ourselves_alone_is_so_below_too() -> None:
    spans = SpanMaker(maker)
    server = spans.server(
        OWN, SpanMaker.nobody, SamplingResult(Decision.RECORD_ONLY), dict(GET), 1.5
    )
    assert server is not None
    client = spans.client(server, 9, dict(GET), 2.0)

    assert client is not None
    assert client.context is not None
    assert not client.context.trace_flags.sampled


def test_nothing_is_made_of_what_is_dropped() -> None:
    spans = SpanMaker(maker)

    assert None is spans.server(
        OWN, SpanMaker.nobody, SamplingResult(Decision.DROP), dict(GET), 1.5
    )


def test_the_end_of_a_span_says_what_became_of_it() -> None:
    spans = SpanMaker(maker)
    result = SamplingResult(Decision.RECORD_AND_SAMPLE)
    good = spans.server(OWN, SpanMaker.nobody, result, dict(GET), 1.5)
    bad = spans.server(OWN, SpanMaker.nobody, result, dict(GET), 1.5)
    assert good is not None
    assert bad is not None
    end(good, Ending({"http.response.status_code": 200}, ""), 2.5)
    end(bad, Ending({"error.type": "500"}, "500"), 2.5)

    assert [StatusCode.UNSET, StatusCode.ERROR] == [each.status.status_code for each in (good, bad)]
    assert 2_500_000_000 == good.end_time
    assert 200 == (good.attributes or {})["http.response.status_code"]


def test_what_decides_and_what_draws_numbers_say_what_they_are() -> None:
    assert "GivenDecision" == GivenDecision().get_description()
    ids = GivenIds()
    assert (0, 0, False) == (
        ids.generate_trace_id(),
        ids.generate_span_id(),
        ids.is_trace_id_random(),
    )
