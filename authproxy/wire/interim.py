"""Interim answers (1xx) announce a final one; a service that sends nothing else is cut off.

Each of them shows that the service lives, and so begins the wait for the final answer anew. Without
a bound an exchange would never end.
"""

from authproxy.wire import refusals

MAX_INTERIM = 1000
"""Of one exchange. One every five seconds, as for 102 (RFC 2518 10.1), is more than an hour."""
MAX_INTERIM_BYTES = 1024 * 1024
"""Of their heads together."""


class InterimCount:
    """Count and size of the interim answers of one exchange."""

    __slots__ = ("_bytes", "_count", "_request_id")

    def __init__(self) -> None:
        self._request_id = ""
        self._count = 0
        self._bytes = 0

    def add(self, request_id: str, size: int) -> None:
        """One more for this request; another request begins at zero. Raises UpstreamError."""
        if request_id != self._request_id:
            self._request_id = request_id
            self._count = self._bytes = 0
        self._count += 1
        self._bytes += size
        if self._count > MAX_INTERIM or self._bytes > MAX_INTERIM_BYTES:
            raise refusals.endless_interim(self._count)

    def __repr__(self) -> str:
        return f"<InterimCount [{self._count} of {self._request_id or 'none'}]>"
