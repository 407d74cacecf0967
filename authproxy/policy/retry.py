"""Rules for sending a request once more: which methods may be, and after what pause."""

IDEMPOTENT = frozenset([b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"])  # RFC 9110 9.2.2

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 4.0


def may_resend(attempts: int, *, is_safe: bool) -> bool:
    """May a request that we still have whole go out again, when its fate is not known?

    Asked when a kept-alive connection ended before a byte of the answer, and only if the body, if
    any, was kept whole: most likely the service closed the connection just then and saw nothing.
    RFC 9110 9.2.2 allows one more try of what is idempotent, by its method or because it is known
    to be so (`is_safe`).
    """
    return attempts == 1 and is_safe


def pause_s(attempt: int, jitter: float) -> float:
    """Before try `attempt` + 1: doubles each time, and with `jitter` from 0 to 1 half less or more.

    It keeps clients that failed together from coming back together.
    """
    doubled: float = FIRST_PAUSE_S * 2 ** (attempt - 1)
    return min(doubled, LONGEST_PAUSE_S) * (0.5 + jitter)
