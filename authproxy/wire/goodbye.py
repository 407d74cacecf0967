"""The last moments of a client's connection: it may read what it was sent, but not for long."""

import asyncio
import contextlib

LINGER_S = 5.0
"""How long a client that still sends may take to read an answer that ends the connection."""
LAST_LINGER_S = 0.2
"""The same while authproxy ends, once the system has taken all that was written."""
HEAD_GRACE_S = 0.2
"""For a request whose head is coming while authproxy ends, or that of a client who has only just
come; half of one is no request."""
LAST_IDLE_S = 1.0
"""How long a client may rest whose listener is no more: who asks often is not met while it asks."""
FIRST_REQUEST_S = 5.0
"""A client that has not asked yet may be as busy as we are: others go before it to make room."""


class Goodbye:
    """Nothing more will be said; the client should close."""

    __slots__ = ("_said_s", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._said_s = 0.0

    def end_writing(self) -> None:
        """Let the client see the end, though it may still send.

        What it still sends would meet a closed socket, and the reset could overtake our last words.
        """
        with contextlib.suppress(OSError):  # it may be gone, and we not have heard of it yet
            if self._transport.can_write_eof():
                self._transport.write_eof()

    def is_overdue(self, seconds: float, *, hurries: bool) -> bool:
        """Time passed: has it been long enough? `hurries`: authproxy ends."""
        self._said_s += seconds
        short = hurries and not self._transport.get_write_buffer_size()
        return self._said_s > (LAST_LINGER_S if short else LINGER_S)

    def __repr__(self) -> str:
        return f"<Goodbye [said {self._said_s:.1f} s ago]>"
