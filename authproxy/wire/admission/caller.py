"""Who is on the other end of a client connection, and which service they ask for."""

import asyncio
import time
from collections.abc import Sequence
from hmac import compare_digest

from authproxy.errors import Refused
from authproxy.exchange import Field, RequestHead, ResponseHead
from authproxy.policy.access.cross_site import (
    LINKS,
    Asking,
    find_cross_site,
    is_told_site,
    normal_origin,
)
from authproxy.policy.access.inbound_keys import InboundKey, KeyRing
from authproxy.policy.access.networks import Address, parse_peer
from authproxy.policy.access.rate_limits import RateLimiter, network_of
from authproxy.policy.messages.cors import answer_lines, is_preflight, preflight
from authproxy.policy.messages.facts import RequestFacts, ResponseFacts
from authproxy.policy.messages.headers import (
    ServiceRules,
    answer_end,
    one_hop_less,
    request_end,
    request_fields,
    response_head,
)
from authproxy.policy.messages.origin_mapping import Home
from authproxy.policy.routes import Route, Site, parse_host
from authproxy.policy.start_page import start_page
from authproxy.wire import refusals
from authproxy.wire.admission.field_rules import check_fields
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.admission.presentation import forwarded_of, home_of
from authproxy.wire.admission.standing import Standing
from authproxy.wire.admission.unix_peer import find_refusal
from authproxy.wire.upstream.upstream import Upstream

NOWHERE = Home(services=(b"",), client=b"")


class Caller:
    """One client: its address, whether that may pass, and what follows from the fields it sends.

    A connection nearly always repeats itself, so what was found for its fields is kept: the reader
    gives the very same facts for the same fields.
    """

    __slots__ = (
        "_asked",
        "_came_by",
        "_checked",
        "_facts",
        "_fields",
        "_fields_of",
        "_good_key",
        "_home_of",
        "_host",
        "_is_proxy",
        "_local",
        "_method",
        "_peer",
        "_proto",
        "_route",
        "_rules",
        "_scheme",
        "_shown",
        "_site",
        "_version",
        "address",
        "cors",
        "forwarded",
        "home",
        "key",
        "refusal",
        "standing",
    )

    def __init__(
        self, transport: asyncio.Transport, rules: ListenerRules, client: Address | None = None
    ) -> None:
        """`client`: whom the PROXY protocol has named, as the peer is a proxy."""
        self.address = self._peer = parse_peer(transport.get_extra_info("peername"))
        """None for a client on a Unix socket."""
        self._local = parse_peer(transport.get_extra_info("sockname"))
        in_tls = transport.get_extra_info("ssl_object") is not None
        self._scheme = b"https" if in_tls else b"http"
        self._rules = rules
        self.refusal = find_refusal(transport, self._peer, rules.peer_uids)
        """Why none of its requests may pass."""
        self.standing = Standing(rules)
        """What keeps some of them from passing, whoever they are for."""
        if client is not None:
            self.address = self._peer = client
        self._version, self._is_proxy = -1, False
        self._came_by: tuple[tuple[bytes, ...], tuple[bytes, ...], bytes] | None = None
        """What proxies said of the client that was let in last."""
        self._asked: tuple[tuple[object, ...], bytes] | None = None
        """What of a page was let in last, and the CORS lines for it."""
        self._good_key: tuple[bytes, InboundKey] | None = None
        self._home_of: tuple[object, object, bytes | None, bytes] | None = None
        self._shown = b""  # the address as text
        self._facts: RequestFacts | None = None
        self._host: bytes | None = None
        self._method = b""
        self.key: InboundKey | None = None
        """The key that was shown."""
        self._checked: Route[Upstream] | None = None
        """The route that these fields may take."""
        self._site: Site[Upstream] | None = None
        self._route: Route[Upstream] | None = None
        self._proto = self._scheme
        """What the client speaks, which a trusted proxy may have turned into something else."""
        self._fields = b""
        self._fields_of: tuple[RequestFacts, ServiceRules] | None = None
        self.forwarded = b""
        """The X-Forwarded-* lines for this client and the Host it uses."""
        self.home = NOWHERE
        """What the service is to this client."""
        self.cors = b""
        """The lines that let a page of an allowed origin read the answer."""

    def admit(
        self, head: RequestHead, facts: RequestFacts, host: bytes | None, target: bytes
    ) -> Route[Upstream]:
        """May they pass, and where does their request go? Raises Refused.

        `host` and `target` are as `split_target` gives them.
        """
        method, rules = head.method, self._rules
        is_known = facts is self._facts and host == self._host and method == self._method
        if not is_known or self._version != rules.version:
            self._decide(head, facts, host)
        assert self._site is not None  # noqa: S101 -- for the type checker: it was decided
        route = self._site.find(target)
        if route is None:
            raise self._nowhere(head, host, target)
        if route is not self._route:
            self._enter(route)
        if route is not self._checked:
            self._check(method, facts, route)
        if route.is_bounded:
            route.check(target)
        if route.service.permissions is not None:
            route.service.permissions.check(method, route.target(target))
        if rules.limiter is not None:
            self._take_turn(rules.limiter)
        return route

    def _take_turn(self, limiter: RateLimiter) -> None:
        who = self.key.name if self.key is not None else network_of(self.address)
        wait_s = limiter.take(who, time.monotonic())
        if wait_s:
            raise refusals.too_many_requests(wait_s)

    def _nowhere(self, head: RequestHead, host: bytes | None, target: bytes) -> Refused:
        if self._rules.keys is not None and self.key is None:
            return refusals.key_required(self._rules.key_header)
        routes = self._rules.routes
        if target == b"/" and head.method in LINKS:
            links = routes.links(self._proto.decode(), host or b"localhost")
            is_here = self.address is None or self.address.is_loopback
            gone = [] if is_here else routes.only_here
            return start_page([link for link in links if link[0] not in gone], gone)
        return routes.no_route(_name_of(host))

    def _find_key(self, head: RequestHead, keys: KeyRing) -> InboundKey | None:
        """None when there is no key; what is none must wait, after some of them."""
        rules = self._rules
        values = [value for name, value, _ in head.headers if name == rules.key_header]
        if not values:
            return None
        if self._good_key is not None and compare_digest(b",".join(values), self._good_key[0]):
            return self._good_key[1]
        now = time.monotonic()
        wait_s = rules.failures.wait_s(self.address, now)
        if wait_s:
            raise refusals.too_many_wrong_keys(wait_s)
        key = keys.find(values)
        if key is None:
            rules.failures.note(self.address, now)
            raise refusals.key_required(rules.key_header, detail="the key is not known")
        rules.failures.forget(self.address)
        self._good_key = values[0], key
        return key

    def _check_key(self, upstream: Upstream) -> None:
        if self.key is None:
            raise refusals.key_required(self._rules.key_header)
        if not self.key.opens(upstream.name):
            raise refusals.key_not_allowed(self.key.name, upstream.name)

    def _decide(self, head: RequestHead, facts: RequestFacts, host: bytes | None) -> None:
        """All that the fields say. What is the same as in the last request is not asked again."""
        rules = self._rules
        # Whatever is refused below, nothing of the last request may stand for this one.
        self._facts = self._checked = self.key = None
        self.cors = b""
        if self.refusal is not None:
            raise self.refusal
        self.standing.check(head, facts)
        if self._version != rules.version:
            self._forget()
        came_by = (facts.forwarded_for, facts.forwarded, facts.forwarded_proto)
        if self._came_by is None or (self._is_proxy and came_by != self._came_by):
            self._came_by = None
            self._locate(facts)
            self._came_by = came_by
        if self._site is None or host != self._host:
            self._site = self._route = None
            self._site, self._host = rules.routes.get(_name_of(host), self._local), host
        if rules.keys is not None:
            self.key = self._find_key(head, rules.keys)
        self._method, self._facts = head.method, facts

    def _forget(self) -> None:
        """The rules are new: what was found by the old ones counts no more."""
        rules = self._rules
        self._version = rules.version
        self._is_proxy = self._peer is not None and self._peer in rules.trusted
        self._came_by = self._site = self._route = self._asked = self._good_key = None

    def _locate(self, facts: RequestFacts) -> None:
        """Who asks, and may they?"""
        before, proto_before = self.address, self._proto
        # Who is refused is not taken for the one before, nor the next one for either.
        route, self._route, self.address = self._route, None, self._peer
        told = (facts.forwarded_for, facts.forwarded) if self._is_proxy else ((), ())
        self.address, self._shown = self._rules.find_passing(self._peer, *told)
        said = facts.forwarded_proto
        is_told = self._is_proxy and said in (b"http", b"https")
        self._proto = said if is_told else self._scheme
        if self.address is before and self._proto == proto_before:
            self._route = route

    def _enter(self, route: Route[Upstream]) -> None:
        """Another service than the last: may they use it, and what is it to them?"""
        upstream = route.service
        refusal = upstream.access.find_refusal(self.address) if upstream.access else None
        if refusal is not None:
            raise refusals.address(refusal)
        self._find_home(route)
        self._route, self._fields_of = route, None

    def settle(self) -> None:
        """The address of the service that was asked for last may have become known."""
        if self._route is not None:
            self._find_home(self._route)

    def _find_home(self, route: Route[Upstream]) -> None:
        """What the service is to the client, and what it hears of them."""
        origin, host, known = route.service.origin, self._host, self._home_of
        self.forwarded = forwarded_of(route, self._shown, self._proto, host)
        # The origin is another object once the address was looked up.
        if (
            known is None
            or known[0] is not route
            or known[1] is not origin
            or known[2:] != (host, self._proto)
        ):
            self._home_of = route, origin, host, self._proto
            client = b"%b://%b" % (self._proto, host or b"localhost")
            self.home = home_of(route, client, self._rules, self._local)

    def _check(self, method: bytes, facts: RequestFacts, route: Route[Upstream]) -> None:
        """May what these fields say take this route?"""
        self._check_site(method, facts, route.service)
        if facts.overrides or facts.destination:
            check_fields(method, facts, route, self.home)
        if self._rules.keys is not None:
            self._check_key(route.service)
        self._checked = route

    def _check_site(self, method: bytes, facts: RequestFacts, upstream: Upstream) -> None:
        """Is it a page of another site that asks?"""
        if not (facts.origin or facts.fetch_site or facts.referer or facts.purpose):
            return
        # It is another one for each page, and for the page's own requests it does not count.
        referer = facts.referer if facts.purpose or facts.fetch_site != b"same-origin" else b""
        told = (facts.origin, facts.fetch_site, facts.fetch_mode, facts.fetch_dest, facts.purpose)
        asked = (method, told, referer, facts.upgrade is None, self._host, self._proto, upstream)
        if self._asked is not None and self._asked[0] == asked:
            self.cors = self._asked[1]
            return
        host, allowed = self._host or b"localhost", upstream.allow_origins
        if self._rules.allow_origins:
            allowed = allowed | self._rules.allow_origins
        asking = Asking(
            method=method,
            origin=facts.origin,
            site=facts.fetch_site,
            mode=facts.fetch_mode,
            dest=facts.fetch_dest,
            referer=referer,
            purpose=facts.purpose,
            upgrades=facts.upgrade is not None,
            is_told_site=bool(facts.fetch_site) or is_told_site(self._proto, _name_of(host)),
        )
        refusal = find_cross_site(asking, host, allowed)
        if refusal is not None:
            raise refusals.cross_site(refusal, asking)
        if facts.origin and normal_origin(facts.origin) in allowed:
            if is_preflight(method, facts.preflight_method):
                raise preflight(facts)
            self.cors = answer_lines(facts.origin)
        self._asked = asked, self.cors

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
        self._fields = request_fields(
            headers, facts, rules, forwarded=self.forwarded, home=self.home
        )
        self._fields_of = (facts, rules) if facts.max_forwards is None else None
        return self._fields

    def request_end(self, trailers: Sequence[Field], rules: ServiceRules) -> bytes:
        """What ends the chunks of a request."""
        return request_end(trailers, rules, self.home)

    def answer_end(self, trailers: Sequence[Field]) -> bytes:
        """What ends the chunks of an answer."""
        return answer_end(trailers, self.home)

    def interim_head(self, head: ResponseHead, facts: ResponseFacts) -> bytes:
        """The head of an answer that another one follows."""
        return response_head(head, facts, chunked=False, home=self.home)

    def __repr__(self) -> str:
        return f"<Caller {self.address} [{self._route.service.name if self._route else 'new'}]>"


def _name_of(host: bytes | None) -> str:
    return "localhost" if host is None else parse_host(host)
