"""How long an exchange may take, and which of its bounds it has passed."""

from typing import TYPE_CHECKING

from authproxy.errors import UpstreamError
from authproxy.settings import TimeoutSettings
from authproxy.wire import refusals

if TYPE_CHECKING:
    from authproxy.wire.relay.relay import Relay


def find_overdue(relay: "Relay", seconds: float, timeouts: TimeoutSettings) -> UpstreamError | None:
    """Time passed: the error that ends `relay` when it took too long, saying by which bound."""
    relay.silent_s += seconds
    relay.age_s += seconds
    if relay.exchange.service:  # else it is not known yet which service it is for
        timeouts = relay.upstream.timeouts or timeouts
    if timeouts.total and relay.age_s > timeouts.total:
        return refusals.out_of_time(timeouts.total)
    if relay.received_all and relay.response is None:
        limit_s, make = timeouts.first_byte, refusals.slow_service
    else:
        limit_s, make = timeouts.stream_idle, refusals.silent_exchange
    return make(limit_s) if relay.silent_s > limit_s else None
