import json

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits

from authproxy.observe.spans import SpanMaker
from authproxy.observe.trace_notes import TracedTry, TraceNotes
from tests.support.exchanges import exchange
from tests.support.sent_heads import SENT


def made(limits: SpanLimits | None = None) -> list[ReadableSpan]:
    """Of a request that was sent twice."""
    kept: list[ReadableSpan] = []
    maker = SpanMaker(kept.append, Resource({}), limits or SpanLimits())
    first = TracedTry(span=9, begun=2.0, sent=SENT, ended=2.5, why="503")
    second = TracedTry(span=11, begun=3.0, sent=SENT)
    recording = TraceNotes(
        trace=7, span=8, parent=5, state=b"a=1", is_random=False, tries=[first, second]
    )
    done = exchange()
    done.first_byte_s = 0.01
    maker.make(done, recording)
    return kept


def test_each_try_is_below_what_the_client_asked() -> None:
    first, second, server = made()

    for span, number in ((first, 9), (second, 11), (server, 8)):
        assert span.context is not None
        assert (7, number, 1) == (
            span.context.trace_id,
            span.context.span_id,
            span.context.trace_flags,
        )
        assert {"a": "1"} == dict(span.context.trace_state)
    assert first.parent == second.parent == server.context
    assert server.parent is not None
    assert (5, True) == (server.parent.span_id, server.parent.is_remote)
    assert [(2_000_000_000, 2_500_000_000), 3_000_000_000] == [
        (first.start_time, first.end_time),
        second.start_time,
    ]
    assert server.end_time == second.end_time


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (SpanLimits(), (5, 7, 1)),
        (SpanLimits(max_span_attributes=3), (3, 3, 1)),
        (SpanLimits(max_events=0), (5, 7, 0)),
    ],
    ids=["none", "attributes", "events"],
)
def test_what_the_sdk_limits_is_limited(limits: SpanLimits, expected: tuple[int, int, int]) -> None:
    first, second, _ = made(limits)
    whole = made()[0]

    found = len(first.attributes or ())
    assert found == min(len(whole.attributes or ()), limits.max_span_attributes or 0)
    assert first.dropped_attributes == len(whole.attributes or ()) - found
    assert expected[2] == len(second.events)


def test_values_are_cut_where_the_sdk_cuts_them() -> None:
    first, *_ = made(SpanLimits(max_span_attribute_length=4))

    assert "http" == (first.attributes or {})["url.full"]
    assert all(
        len(each) <= 4 for each in (first.attributes or {}).values() if isinstance(each, str)
    )


def test_what_is_limited_is_said() -> None:
    kept: list[ReadableSpan] = []
    assert [
        "<SpanMaker [no limits]>",
        "<SpanMaker [some limits]>",
    ] == [
        repr(SpanMaker(kept.append, Resource({}), each))
        for each in (SpanLimits(), SpanLimits(max_events=1))
    ]


def test_spans_can_be_shown() -> None:
    for span in made():
        assert "0x" + "0" * 31 + "7" == json.loads(span.to_json())["context"]["trace_id"]
