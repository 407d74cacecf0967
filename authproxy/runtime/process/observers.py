"""Observers of a run: the one list, for `authproxy run`, `exec` and `mcp` alike.

Add a new one here, by a function that returns an empty list when the settings switch it off. What
only the admin listener shows, `Proxy` adds by itself: the inspector and the metrics.
"""

from authproxy.exchange import Observer
from authproxy.runtime.process.log_output import LogOutput, access_log
from authproxy.runtime.process.tracing import Tracing
from authproxy.settings import Settings


def make_observers(settings: Settings, log: LogOutput, tracing: Tracing) -> list[Observer]:
    """In the order in which they hear: those that make traces behind those that ask for them."""
    return [*access_log(settings, log, tracing.trace_of), *tracing.observers]
