"""Counters of clients where one process answers all of them."""

from math import ceil

from authproxy.policy.access.client_limits import ClientLimits
from authproxy.policy.access.rate_limits import ConnectionCounter, RateLimiter, WrongKeyCounter
from authproxy.settings import LimitSettings


def limits_of_one_process(limits: LimitSettings) -> ClientLimits:
    """Counters in this process's memory."""
    per_second, burst = limits.requests_per_second, limits.burst
    return ClientLimits(
        connections=ConnectionCounter(limits.connections, limits.connections_per_client),
        wrong_keys=WrongKeyCounter(),
        rate=RateLimiter(per_second, burst or ceil(per_second)) if per_second else None,
    )
