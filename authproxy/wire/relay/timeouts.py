"""Time limits of an exchange, and the check which of them it has passed."""

from authproxy.errors import UpstreamError
from authproxy.settings import TimeoutSettings
from authproxy.wire import refusals


def find_overdue(
    timeouts: TimeoutSettings, *, age_s: float, silent_s: float, waits_for_answer: bool
) -> UpstreamError | None:
    """The error that ends an exchange when it took too long, saying by which bound.

    `age_s`: since it began; `silent_s`: since anything moved. `waits_for_answer`: its request has
    come in whole, and the head of its answer has not.
    """
    if timeouts.total and age_s > timeouts.total:
        return refusals.out_of_time(timeouts.total)
    if waits_for_answer:
        limit_s, make = timeouts.first_byte, refusals.slow_service
    else:
        limit_s, make = timeouts.stream_idle, refusals.silent_exchange
    return make(limit_s) if silent_s > limit_s else None
