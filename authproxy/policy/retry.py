"""When a request may be sent once more, and after what pause."""

from authproxy.exchange import ResponseHead

IDEMPOTENT = frozenset([b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"])  # RFC 9110 9.2.2

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 4.0

_REJECTED = b"The access token could not be verified"


def may_resend(method: bytes, attempts: int) -> bool:
    """May a request without body go out again on a fresh connection, its fate being unknown?

    Asked when a kept-alive connection ended before a byte of the answer: most likely the service
    closed it just then and saw nothing. RFC 9110 9.2.2 allows one more try of what is idempotent.
    """
    return attempts == 1 and method in IDEMPOTENT


def is_token_rejection(head: ResponseHead) -> bool:
    """Did Google's front end turn the token down, rather than the application behind it?

    Both say 401 and `error="invalid_token"`; the description is the front end's own.
    """
    if head.status != 401:
        return False
    return any(
        lower == b"www-authenticate" and b'error="invalid_token"' in value and _REJECTED in value
        for lower, value, _ in head.headers
    )


def is_scaling_up(head: ResponseHead) -> bool:
    """Does Google's front end say that there is no instance of the service at the moment?

    It says so on a page of its own. An application that sends no HTML, or that says when to come
    again, speaks for itself.
    """
    if head.status not in (429, 503):
        return False
    found = {lower: value for lower, value, _ in head.headers}
    return (
        found.get(b"server") == b"Google Frontend"
        and found.get(b"content-type", b"").lower().startswith(b"text/html")
        and b"retry-after" not in found
    )


def pause_s(attempt: int, luck: float) -> float:
    """Before try `attempt` + 1: doubles each time, and with `luck` from 0 to 1 half less or more.

    The jitter keeps clients that failed together from coming back together.
    """
    doubled: float = FIRST_PAUSE_S * 2 ** (attempt - 1)
    return min(doubled, LONGEST_PAUSE_S) * (0.5 + luck)
