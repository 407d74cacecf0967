"""Call: a request of HTTP/2, as its fields give it."""

from authproxy.exchange import RequestHead
from authproxy.policy.messages.facts import RequestFacts

Pair = tuple[bytes, bytes]
"""A field's name, in lower case, and its value."""


class Call:
    """A request that was read. The same object for a client that repeats its request."""

    __slots__ = ("facts", "fields", "head", "is_grpc", "wants_events")

    # Written out, as heads are: a dataclass is made by Python code where this is compiled.
    def __init__(
        self,
        head: RequestHead,
        facts: RequestFacts,
        fields: list[Pair],
        *,
        is_grpc: bool,
        wants_events: bool,
    ) -> None:
        self.head = head
        self.facts = facts
        self.fields = fields
        """Those of the client's that are no pseudo-header fields."""
        self.is_grpc = is_grpc
        self.wants_events = wants_events
        """It takes server-sent events, among others perhaps."""

    def __repr__(self) -> str:
        return f"<Call {self.head.method.decode('ascii', 'replace')} [{len(self.fields)} fields]>"
