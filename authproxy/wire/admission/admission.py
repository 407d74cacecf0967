"""Admission of one request: its service and what follows; or the reason for a refusal."""

from typing import Final, NamedTuple

from authproxy.errors import Refused
from authproxy.identity.token_cache.supply import Supply
from authproxy.policy.access.inbound_keys import InboundKey
from authproxy.policy.access.networks import Address
from authproxy.policy.messages.origin_mapping import Home
from authproxy.wire.upstream.upstream import Upstream

NOWHERE: Final = Home(services=(b"",), client=b"")


class Admission(NamedTuple):
    """The same object for a client that repeats its request."""

    service: Upstream
    tokens: Supply
    """Where its token comes from: the service's own identity, or the account that its key acts as.
    There is no other way to one."""
    target: bytes
    """As it is sent to the service."""
    host: bytes
    """The authority that was asked for; empty without one."""
    address: Address | None
    """The client's; None on a Unix socket."""
    key: str
    """The name of the key that was shown; empty where none is asked for."""
    home: Home
    """The mapping between the service's addresses and those that this client uses."""
    forwarded: bytes
    """The X-Forwarded-* lines for this client and the Host it uses."""
    cors: bytes
    """The lines that let a page of an allowed origin read the answer."""
    credential: InboundKey | None = None
    """The key that was shown."""


class NotAdmitted(Exception):  # noqa: N818 -- an answer to a question, not a fault
    """Refusal of a request, and what is known of it all the same."""

    def __init__(
        self, refusal: Refused, address: Address | None, *, host: bytes = b"", cors: bytes = b""
    ) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.address = address
        self.host = host
        self.cors = cors
