"""Choice of log lines where not all are written: a share of the traces, else of requests.

A trace's lines stay together, in this process and in others with the same share: what decides is
the trace's own number, compared as OpenTelemetry's `traceidratio` does. With the same share there,
the lines are those of the traces that are recorded.
"""

from authproxy.observe.trace_context import TraceContext

_ALL = 2**64
# The golden ratio's part of 2**64: multiples of it fill the range evenly, whatever the share is.
_STEP = 0x9E3779B97F4A7C15


class Sample:
    """A share of all, from 0 to 1."""

    __slots__ = ("_bound", "_count", "share")

    def __init__(self, share: float) -> None:
        self.share = share
        self._bound = round(share * _ALL)
        self._count = 0

    def takes(self, trace: TraceContext | None) -> bool:
        """Whether one belongs to it; those without a trace are counted, and never two alike."""
        if trace is not None:
            return int(trace.trace_id[16:], 16) < self._bound
        self._count += 1
        return self._count * _STEP % _ALL < self._bound

    def __repr__(self) -> str:
        return f"<Sample of {self.share:g}>"
