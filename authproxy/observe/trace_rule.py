"""Bounds for traces that are recorded, by the sampler that OTEL_TRACES_SAMPLER names.

Each of those that OpenTelemetry has by name looks at two things: the lower half of the trace's ID,
of which those below a bound are recorded, and what the client says of its own part. So three bounds
stand for it, and a request costs a comparison in the place of a call with five objects.
"""

from typing import NamedTuple

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

EVERY = 2**64
LOWER_HALF = EVERY - 1
_SOME_TRACE = EVERY
"""Its lower half is zero, and it is a valid one."""


class TraceRule(NamedTuple):
    """Bounds for the lower half of a trace's ID: below them it is recorded. 0: none, EVERY: all."""

    new: int
    """For traces that begin here, and where the client does not say whether it records its part."""
    recorded: int
    """For those of which the client records its part …"""
    unrecorded: int
    """… and of which it does not."""

    def bound(self, sampled: bool | None) -> int:
        """By what the client says."""
        if sampled is None:
            return self.new
        return self.recorded if sampled else self.unrecorded


def find_rule(sampler: Sampler) -> TraceRule:
    """What a sampler of OpenTelemetry's own does."""
    return TraceRule(
        _find_bound(sampler, Context()),
        _find_bound(sampler, _below(TraceFlags(TraceFlags.SAMPLED))),
        _find_bound(sampler, _below(TraceFlags(TraceFlags.DEFAULT))),
    )


def _find_bound(sampler: Sampler, parent: Context) -> int:
    """How many lower halves it takes, found as one finds a word in a dictionary."""
    low, high = 0, EVERY
    while low < high:
        middle = (low + high) // 2
        if sampler.should_sample(parent, _SOME_TRACE + middle, "").decision is Decision.DROP:
            high = middle
        else:
            low = middle + 1
    return low


def _below(flags: TraceFlags) -> Context:
    """A client that has said so."""
    span = SpanContext(_SOME_TRACE, 1, is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(span), Context())
