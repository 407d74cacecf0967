import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.context import Context
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from authproxy.observe.trace_rule import EVERY, LOWER_HALF, TraceRule, find_rule

QUARTER = EVERY // 4
SAMPLERS = [
    (sampling.ALWAYS_ON, TraceRule(EVERY, EVERY, EVERY)),
    (sampling.ALWAYS_OFF, TraceRule(0, 0, 0)),
    (sampling.DEFAULT_ON, TraceRule(EVERY, EVERY, 0)),
    (sampling.DEFAULT_OFF, TraceRule(0, EVERY, 0)),
    (TraceIdRatioBased(0.25), TraceRule(QUARTER, QUARTER, QUARTER)),
    (ParentBased(TraceIdRatioBased(0.25)), TraceRule(QUARTER, EVERY, 0)),
    (TraceIdRatioBased(0.0), TraceRule(0, 0, 0)),
    (ParentBased(TraceIdRatioBased(1.0)), TraceRule(EVERY, EVERY, 0)),
]
"""Those that OTEL_TRACES_SAMPLER can name."""


@pytest.mark.parametrize(("sampler", "expected"), SAMPLERS)
def test_a_sampler_is_three_bounds(sampler: Sampler, expected: TraceRule) -> None:
    assert expected == find_rule(sampler)


@given(
    st.integers(1, 2**128 - 1) | st.sampled_from([QUARTER - 1, QUARTER, QUARTER << 64]),
    st.sampled_from([None, True, False]),
)
def test_they_decide_as_the_sampler_does(trace: int, sampled: bool | None) -> None:
    for sampler, rule in SAMPLERS:
        parent = Context()
        if sampled is not None:
            span = SpanContext(trace, 5, is_remote=True, trace_flags=TraceFlags(sampled))
            parent = set_span_in_context(NonRecordingSpan(span), parent)
        expected = (
            sampler.should_sample(parent, trace, "GET").decision is Decision.RECORD_AND_SAMPLE
        )

        assert expected == (trace & LOWER_HALF < rule.bound(sampled)), sampler.get_description()
