"""Who is on the other end of a client connection, and which service they ask for."""

import asyncio
import time
from hmac import compare_digest

from authproxy.errors import Refused
from authproxy.exchange import RequestHead
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
from authproxy.policy.messages.facts import RequestFacts
from authproxy.policy.routes import Route, Site
from authproxy.wire import refusals
from authproxy.wire.admission.admission import NOWHERE, Admission
from authproxy.wire.admission.field_rules import check_fields
from authproxy.wire.admission.listener_rules import ListenerRules, name_of
from authproxy.wire.admission.presentation import forwarded_of, home_of
from authproxy.wire.admission.sent_fields import SentFields
from authproxy.wire.admission.standing import Standing
from authproxy.wire.admission.unix_peer import find_refusal
from authproxy.wire.upstream.upstream import Upstream


class Caller:
    """One client: its address, whether that may pass, and what follows from the fields it sends.

    A connection nearly always repeats itself, so what was found for its fields is kept: the reader
    gives the very same facts for the same fields.
    """

    __slots__ = (
        "_admission",
        "_asked",
        "_came_by",
        "_checked",
        "_cors",
        "_facts",
        "_forwarded",
        "_good_key",
        "_home",
        "_home_of",
        "_host",
        "_is_proxy",
        "_key",
        "_local",
        "_method",
        "_peer",
        "_proto",
        "_route",
        "_rules",
        "_scheme",
        "_shown",
        "_site",
        "_target",
        "_version",
        "address",
        "refusal",
        "sent_fields",
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
        self._key: InboundKey | None = None
        """The key that was shown."""
        self._checked: Route[Upstream] | None = None
        """The route that these fields may take."""
        self._site: Site[Upstream] | None = None
        self._route: Route[Upstream] | None = None
        self._proto = self._scheme
        """What the client speaks, which a trusted proxy may have turned into something else."""
        self.sent_fields = SentFields()
        self._forwarded = b""
        self._home = NOWHERE
        self._cors = b""
        self._admission: Admission | None = None
        """What was decided last, of a request for `_target`; None: it counts no more."""
        self._target = b""

    def admit(
        self, head: RequestHead, facts: RequestFacts, host: bytes | None, target: bytes
    ) -> Admission:
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
        if route is not self._checked:
            self._check(method, facts, route)
        if route.is_bounded:
            route.check(target)
        if route.service.permissions is not None:
            route.service.permissions.check(method, route.target(target))
        if rules.limiter is not None:
            self._take_turn(rules.limiter)
        known = self._admission
        if known is None or target != self._target:
            known = self._admission = self._made(route, target)
            self._target = target
        return known

    def _made(self, route: Route[Upstream], target: bytes) -> Admission:
        return Admission(
            service=route.service,
            target=route.sent(target) if route.moves else target,
            host=self._host or b"",
            address=self.address,
            key=self._key.name if self._key is not None else "",
            home=self._home,
            forwarded=self._forwarded,
            cors=self._cors,
        )

    @property
    def cors_of_refused(self) -> bytes:
        """Lines for a request that was refused just now, whose page may read that."""
        return self._cors

    def _take_turn(self, limiter: RateLimiter) -> None:
        who = self._key.name if self._key is not None else network_of(self.address)
        wait_s = limiter.take(who, time.monotonic())
        if wait_s:
            raise refusals.too_many_requests(wait_s)

    def _nowhere(self, head: RequestHead, host: bytes | None, target: bytes) -> Refused:
        if self._rules.keys is not None and self._key is None:
            return refusals.key_required(self._rules.key_header)
        asked = self._proto, host, target if head.method in LINKS else b""
        return self._rules.find_no_route(*asked, self.address)

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
        if self._key is None:
            raise refusals.key_required(self._rules.key_header)
        if not self._key.opens(upstream.name):
            raise refusals.key_not_allowed(self._key.name, upstream.name)

    def _decide(self, head: RequestHead, facts: RequestFacts, host: bytes | None) -> None:
        """All that the fields say. What is the same as in the last request is not asked again."""
        rules = self._rules
        # Whatever is refused below, nothing of the last request may stand for this one.
        self._facts = self._checked = self._key = self._admission = None
        self._cors = b""
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
            self._site, self._host = rules.routes.get(name_of(host), self._local), host
        if rules.keys is not None:
            self._key = self._find_key(head, rules.keys)
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
        self._route = route

    def settled(self, admission: Admission) -> Admission:
        """The same, now that the address of the service may have become known."""
        if self._route is None or self._route.service is not admission.service:
            return admission
        self._find_home(self._route)
        if self._home is admission.home and self._forwarded == admission.forwarded:
            return admission
        self._admission = None
        return admission._replace(home=self._home, forwarded=self._forwarded)

    def _find_home(self, route: Route[Upstream]) -> None:
        """What the service is to the client, and what it hears of them."""
        origin, host, known = route.service.origin, self._host, self._home_of
        self._forwarded = forwarded_of(route, self._shown, self._proto, host)
        # The origin is another object once the address was looked up.
        if (
            known is None
            or known[0] is not route
            or known[1] is not origin
            or known[2:] != (host, self._proto)
        ):
            self._home_of = route, origin, host, self._proto
            client = b"%b://%b" % (self._proto, host or b"localhost")
            self._home = home_of(route, client, self._rules, self._local)

    def _check(self, method: bytes, facts: RequestFacts, route: Route[Upstream]) -> None:
        """May what these fields say take this route?"""
        if route is not self._route:
            self._enter(route)
        self._admission = None
        self._check_site(method, facts, route.service)
        if facts.overrides or facts.destination:
            check_fields(method, facts, route, self._home)
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
            self._cors = self._asked[1]
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
            is_told_site=bool(facts.fetch_site) or is_told_site(self._proto, name_of(host)),
        )
        refusal = find_cross_site(asking, host, allowed)
        if refusal is not None:
            raise refusals.cross_site(refusal, asking)
        if facts.origin and normal_origin(facts.origin) in allowed:
            if is_preflight(method, facts.preflight_method):
                raise preflight(facts)
            self._cors = answer_lines(facts.origin)
        self._asked = asked, self._cors

    def __repr__(self) -> str:
        return f"<Caller {self.address} [{self._route.service.name if self._route else 'new'}]>"
