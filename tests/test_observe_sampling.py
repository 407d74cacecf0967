import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from authproxy.observe.sampling import Sample
from authproxy.observe.trace_context import TraceContext


def trace(number: int) -> TraceContext:
    return TraceContext(f"{number:032x}", "", None, is_w3c=True)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.01, 0.25, 1 / 3, 0.5, 0.9, 1.0])
def test_the_share_of_all_is_taken_however_few_there_are(share: float) -> None:
    sample = Sample(share)
    taken = [sample.takes(None) for _ in range(5000)]

    for count in (100, 1000, 5000):
        assert abs(sum(taken[:count]) - share * count) <= 3


@given(st.integers(1, 2**128 - 1), st.floats(0, 1))
def test_the_lines_are_those_of_the_traces_that_the_same_share_records(
    number: int, share: float
) -> None:
    theirs = TraceIdRatioBased(share).should_sample(Context(), number, "GET")

    taken = Sample(share).takes(trace(number))
    assert taken == (theirs.decision is Decision.RECORD_AND_SAMPLE)


def test_a_sample_shows_its_share() -> None:
    assert "<Sample of 0.1>" == repr(Sample(0.1))
