"""What we rely on in OpenTelemetry, beyond what it promises."""

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, TraceIdRatioBased


def test_a_ratio_is_a_bound_for_the_low_half_of_a_trace() -> None:
    """`observe.traces` compares by itself, which takes a tenth of the time of asking."""
    ratio = TraceIdRatioBased(0.25)
    within, outside = ratio.bound - 1, ratio.bound

    assert ParentBased(ratio)._root is ratio
    for trace_id, expected in ((within, Decision.RECORD_AND_SAMPLE), (outside, Decision.DROP)):
        for high in (0, 7 << 64):
            found = ratio.should_sample(Context(), high | trace_id, "GET")
            assert expected is found.decision
