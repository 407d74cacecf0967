"""When a request may be sent once more."""

from authproxy.exchange import ResponseHead

IDEMPOTENT = frozenset([b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"])  # RFC 9110 9.2.2

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
