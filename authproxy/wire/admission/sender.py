"""Sender of a request: the peer itself, or the client that a trusted proxy names."""

import asyncio

from authproxy.policy.access.networks import Address, parse_peer
from authproxy.policy.messages.facts import RequestFacts
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.peers.peer_user import PeerUser


class Sender:
    """Sender of one connection's requests. Behind a trusted proxy it may be another one for each
    request."""

    __slots__ = (
        "_came_by",
        "_is_proxy",
        "_peer",
        "_rules",
        "_scheme",
        "address",
        "address_text",
        "local",
        "proto",
        "user",
    )

    def __init__(
        self, transport: asyncio.Transport, rules: ListenerRules, client: Address | None = None
    ) -> None:
        """`client`: whom the PROXY protocol has named, as the peer is a proxy."""
        peer = parse_peer(transport.get_extra_info("peername"))
        self._peer = peer if client is None else client
        self.local = parse_peer(transport.get_extra_info("sockname"))
        """The listener's address that was reached."""
        self.address = self._peer
        """None for a client on a Unix socket."""
        self.user: PeerUser | None = None
        """Whose process that is."""
        self.address_text = b""
        in_tls = transport.get_extra_info("ssl_object") is not None
        self._scheme = b"https" if in_tls else b"http"
        self.proto = self._scheme
        """What the client speaks, which a trusted proxy may have turned into something else."""
        self._rules = rules
        self._is_proxy = False
        self._came_by: tuple[tuple[bytes, ...], tuple[bytes, ...], bytes] | None = None
        """What proxies said of the client that was let in last."""

    def forget(self) -> None:
        """The rules are new: what was found by the old ones counts no more."""
        self._is_proxy = self._peer is not None and self._peer in self._rules.trusted
        self._came_by = None

    def locate(self, facts: RequestFacts) -> bool:
        """Who asks, and may they? Raises Refused. Is it the one before?"""
        came_by = (facts.forwarded_for, facts.forwarded, facts.forwarded_proto)
        if self._came_by is not None and (not self._is_proxy or came_by == self._came_by):
            return True
        before = self.address, self.proto
        # Who is refused is not taken for the one before, nor the next one for either.
        self._came_by, self.address = None, self._peer
        told = came_by[:2] if self._is_proxy else ((), ())
        self.address, self.address_text = self._rules.find_passing(self._peer, *told)
        is_told = self._is_proxy and facts.forwarded_proto in (b"http", b"https")
        self.proto = facts.forwarded_proto if is_told else self._scheme
        self._came_by = came_by
        return self.address is before[0] and self.proto == before[1]

    def __repr__(self) -> str:
        return f"<Sender {self.address} [{self.proto.decode()}]>"
