"""Notes of an exchange whose trace is recorded, until spans are made of it at its end."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import getrandbits

from authproxy.exchange import SentHead
from authproxy.observe.trace_context import RANDOM, SAMPLED, TraceContext, trace_fields


@dataclass(slots=True, kw_only=True)
class TracedTry:
    """Try: one time that the request was sent."""

    span: int
    """The number of its span, as the service has been told it."""
    begun: float
    """Wall clock, seconds."""
    sent: SentHead
    ended: float = 0.0
    """0.0: with the exchange. Else it was to be sent once more …"""
    why: str = ""
    """… since this was answered (a status), or happened (an `errors.Code`)."""


@dataclass(slots=True, kw_only=True)
class TraceNotes:
    """Notes of one exchange."""

    trace: int
    """The number of the trace."""
    span: int
    """Of our span of what the client asked."""
    parent: int = 0
    """The client's span; 0: it names none."""
    is_random: bool = True
    """The trace's number is."""
    state: bytes = b""
    """What `tracestate` says to the service."""
    has_cloud: bool = False
    """The client has sent Google's field, so the service gets it."""
    tries: list[TracedTry]
    next_span: int = 0

    @property
    def flags(self) -> int:
        """As `traceparent` has them."""
        return SAMPLED | RANDOM if self.is_random else SAMPLED

    @property
    def own(self) -> TraceContext:
        """The trace with our span in the place of the client's."""
        return TraceContext(f"{self.trace:032x}", f"{self.span:016x}", True, True, self.is_random)

    def next_fields(self) -> Sequence[tuple[bytes, bytes]]:
        """For the head that is sent next, which is a span of its own."""
        self.next_span = draw_span()
        return trace_fields(
            self.trace,
            self.next_span,
            flags=self.flags,
            state=self.state,
            has_cloud=self.has_cloud,
        )

    def sent(self, sent: SentHead) -> None:
        """The head with `next_fields` goes to the service."""
        self.tries.append(TracedTry(span=self.next_span, begun=time.time(), sent=sent))

    def failed(self, why: str) -> None:
        """What was sent did not do, and there will be another try."""
        if self.tries:
            self.tries[-1].ended, self.tries[-1].why = time.time(), why


def draw_span() -> int:
    """A number for a span, which is never zero."""
    return getrandbits(64) | 1
