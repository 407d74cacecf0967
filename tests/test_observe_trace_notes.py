from hypothesis import given
from hypothesis import strategies as st

from authproxy.observe.trace_context import parse_cloud_trace, parse_traceparent
from authproxy.observe.trace_notes import TraceNotes, draw_span
from tests.support.sent_heads import SENT


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())
def test_what_is_written_is_read_as_it_was_meant(trace: int, span: int, is_random: bool) -> None:
    recording = TraceNotes(trace=trace, span=span, is_random=is_random, has_cloud=True, tries=[])
    fields = dict(recording.next_fields())
    told = recording.own._replace(span_id=f"{recording.next_span:016x}")

    assert told == parse_traceparent(fields[b"traceparent"])
    cloud = parse_cloud_trace(fields[b"x-cloud-trace-context"])
    assert told._replace(is_w3c=False, is_random=False) == cloud


def test_a_try_has_the_number_that_its_service_was_told() -> None:
    recording = TraceNotes(trace=7, span=8, tries=[])
    recording.failed("503")
    told = []
    for why in ("503", ""):
        recording.next_fields()
        told.append(recording.next_span)
        recording.sent(SENT)
        if why:
            recording.failed(why)
    first, second = recording.tries

    assert told == [first.span, second.span]
    assert ("503", "") == (first.why, second.why)
    assert (True, 0.0) == (first.ended >= first.begun, second.ended)


def test_numbers_of_spans_are_never_zero() -> None:
    assert all(0 < draw_span() < 2**64 for _ in range(100))
