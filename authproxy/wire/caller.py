"""Who is on the other end of a client connection, and which service they last asked for."""

import asyncio
from typing import Literal

from authproxy.exchange import RequestHead
from authproxy.policy.access import AccessList, parse_peer
from authproxy.policy.facts import RequestFacts
from authproxy.policy.headers import (
    ServiceRules,
    forwarded_lines,
    one_hop_less,
    request_fields,
)
from authproxy.policy.routes import Routes, parse_host
from authproxy.wire import refusals
from authproxy.wire.upstream import Upstream


class Caller:
    """One client: its address, whether that may pass, and what follows from the Host it uses.

    A connection nearly always keeps to one Host, so what was found for it is kept.
    """

    __slots__ = (
        "_fields",
        "_fields_of",
        "_host",
        "_local",
        "_refusal",
        "_scheme",
        "_upstream",
        "address",
        "forwarded",
        "origins",
    )

    def __init__(self, transport: asyncio.Transport, access: AccessList) -> None:
        peername = transport.get_extra_info("peername")
        self.address = parse_peer(peername)
        """None for a client on a Unix socket."""
        self._local = parse_peer(transport.get_extra_info("sockname"))
        in_tls = transport.get_extra_info("ssl_object") is not None
        self._scheme: Literal["http", "https"] = "https" if in_tls else "http"
        self._refusal = access.find_refusal(self.address)
        if peername is None:
            # It left before it was accepted, and what it had sent can still be read. A Unix
            # socket's client has an empty name, not none, and only that one needs no address.
            self._refusal = "the client left before its address could be read"
        self._host: bytes | None = None
        self._upstream: Upstream | None = None
        self._fields = b""
        self._fields_of: tuple[RequestFacts, ServiceRules] | None = None
        self.forwarded = b""
        """The X-Forwarded-* lines for this client and the Host it uses."""
        self.origins = (b"", b"")
        """The service's origin, and what it is to this client: for Location."""

    def admit(self, host: bytes | None, routes: Routes[Upstream]) -> Upstream:
        """May they pass, and which service do they want? Raises Refused."""
        if host == self._host and self._upstream is not None:
            return self._upstream
        if self._refusal is not None:
            raise refusals.address(self._refusal)
        name = "localhost" if host is None else parse_host(host)
        upstream = routes.get(name, self._local)
        access = upstream.access
        refusal = access.find_refusal(self.address) if access is not None else None
        if refusal is not None:
            raise refusals.address(refusal)
        client = "" if self.address is None else str(self.address)
        self.forwarded = forwarded_lines(client=client, proto=self._scheme, host=host)
        ours = b"%b://%b" % (self._scheme.encode(), host or b"localhost")
        self.origins = (str(upstream.origin).encode(), ours)
        self._host, self._upstream, self._fields_of = host, upstream, None
        return upstream

    def fields_for_service(
        self, head: RequestHead, facts: RequestFacts, rules: ServiceRules
    ) -> bytes:
        """The finished lines of the head to send, all but the token's; the same for the same facts.

        To be asked after `admit`, with what the reader found: it repeats the facts, not only what
        is in them, when a client repeats its fields.
        """
        known = self._fields_of
        if known is not None and known[0] is facts and known[1] is rules:
            return self._fields
        headers = head.headers
        if facts.max_forwards and head.method == b"OPTIONS":
            headers = one_hop_less(headers, facts.max_forwards)
        self._fields = request_fields(headers, facts, rules, forwarded=self.forwarded)
        self._fields_of = (facts, rules) if facts.max_forwards is None else None
        return self._fields

    def __repr__(self) -> str:
        return f"<Caller {self.address} [{self._upstream.name if self._upstream else 'new'}]>"
