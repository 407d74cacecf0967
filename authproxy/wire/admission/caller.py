"""Caller: the client of one connection, which it decides about."""

import asyncio
import time

from authproxy.errors import Refused
from authproxy.exchange import RequestHead
from authproxy.policy.access.client_limits import RateLimit
from authproxy.policy.access.cross_site import LINKS
from authproxy.policy.access.networks import Address, parse_peer
from authproxy.policy.access.rate_limits import network_of
from authproxy.policy.messages.facts import RequestFacts
from authproxy.policy.messages.trace_fields import TRACE_FIELDS
from authproxy.policy.routes import Route, Site
from authproxy.wire import refusals
from authproxy.wire.admission.admission import Admission
from authproxy.wire.admission.field_rules import check_fields
from authproxy.wire.admission.general_checks import GeneralChecks
from authproxy.wire.admission.listener_rules import ListenerRules, name_of
from authproxy.wire.admission.page_access import PageAccess
from authproxy.wire.admission.presentation import Presentation
from authproxy.wire.admission.sender import Sender
from authproxy.wire.admission.sent_fields import SentFields
from authproxy.wire.admission.shown_key import ShownKey
from authproxy.wire.peers.peer_user import PeerUser, find_refusal
from authproxy.wire.upstream.upstream import Upstream


class Caller:
    """One client: whether it may pass, and where to; its parts know what it is judged by.

    A connection nearly always repeats itself, so what was found for its fields is kept: the reader
    gives the very same facts for the same fields.
    """

    __slots__ = (
        "_asked",
        "_checked",
        "_facts",
        "_host",
        "_key",
        "_method",
        "_page",
        "_presentation",
        "_route",
        "_rules",
        "_sender",
        "_site",
        "_version",
        "address",
        "general_checks",
        "last_admission",
        "refusal",
        "sent_fields",
    )

    def __init__(
        self, transport: asyncio.Transport, rules: ListenerRules, client: Address | None = None
    ) -> None:
        """`client`: whom the PROXY protocol has named, as the peer is a proxy."""
        self._rules = rules
        self._sender = Sender(transport, rules, client)
        self.address = self._sender.address
        """None for a client on a Unix socket."""
        peer = parse_peer(transport.get_extra_info("peername"))
        self.refusal = find_refusal(transport, peer, rules.peer_uids)
        """Why none of its requests may pass."""
        self._sender.user = PeerUser(transport, peer, self.refusal)
        self.general_checks = GeneralChecks(rules)
        """What keeps some of them from passing, whoever they are for."""
        self._key = ShownKey(rules)
        self._page = PageAccess(rules)
        self._presentation = Presentation(rules, self._sender)
        self.sent_fields = SentFields()
        self._version = -1
        self._facts: RequestFacts | None = None
        self._host: bytes | None = None
        self._method = b""
        self._site: Site[Upstream] | None = None
        self._route: Route[Upstream] | None = None
        """The route that this client may take."""
        self._checked: Route[Upstream] | None = None
        """The route that these fields may take."""
        self.last_admission: Admission | None = None
        """What was decided last; None: it counts no more."""
        self._asked: tuple[bytes, RequestHead | None] = b"", None
        """The target that it is for, and the head, if nothing but that was looked at."""

    def find_known(self, head: RequestHead) -> Admission | None:
        """What was decided last, if that was of this very request. Raises Refused for one more."""
        is_same = head is self._asked[1] and self._version == self._rules.version
        known = self.last_admission if is_same else None
        if known is not None and self._rules.limiter is not None:
            self._take_turn(self._rules.limiter)
        return known

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
        known = self.last_admission
        is_new = known is None or target != self._asked[0]
        if is_new:
            self._check_target(method, route, target)
        if rules.limiter is not None:
            self._take_turn(rules.limiter)
        if known is None or is_new:
            known = self.last_admission = self._made(route, target)
        is_all = facts is self._facts and target is head.target
        self._asked = target, head if is_all else None
        return known

    def _check_target(self, method: bytes, route: Route[Upstream], target: bytes) -> None:
        """Another target than the last: may they use it, with this method?"""
        if route.is_bounded:
            route.check(target)
        if route.service.permissions is not None:
            route.service.permissions.check(method, route.target(target))
        key = self._key.key
        if key is not None and key.permissions is not None:
            key.permissions.check(method, route.target(target))

    def _made(self, route: Route[Upstream], target: bytes) -> Admission:
        if self._rules.probe is not None:
            self._rules.probe.check(self._method, target)
        key = self._key.key
        return Admission(
            service=route.service,
            tokens=route.service.tokens_for(key),
            target=route.sent(target) if route.moves else target,
            host=self._host or b"",
            address=self.address,
            key=key.name if key is not None else "",
            home=self._presentation.home,
            forwarded=self._presentation.forwarded,
            cors=self._page.cors,
            credential=key,
        )

    @property
    def rules(self) -> ListenerRules:
        """Those of its listener."""
        return self._rules

    def look_again(self) -> None:
        """The rules are others: may its user connect by them?"""
        user = self._sender.user
        if user is not None and (self.refusal is None or self.refusal is user.refusal):
            self.refusal = user.judge(self._rules.peer_uids)

    def find_loss(self, admission: Admission) -> Refused | None:
        """Why what was admitted may not go on: since then an address, a user, a key or a service
        was taken out. What else may have changed holds for the next request only."""
        if self.refusal is not None:
            return self.refusal
        rules, address, name = self._rules, admission.address, admission.service.name
        service = rules.routes.find_service(name)
        if service is None:
            return rules.routes.no_route(f"{name}.localhost")
        lists = (rules.access, *([service.access] if service.access is not None else []))
        rule = next(filter(None, (each.find_refusal(address) for each in lists)), None)
        if rule is not None:
            return refusals.address(rule)
        return self._key.find_loss(admission.credential, name)

    @property
    def cors_of_refused(self) -> bytes:
        """Lines for a request that was refused just now, whose page may read that."""
        return self._page.cors

    @property
    def tells_mcp(self) -> bool:
        """What is refused before it goes to a service is said to MCP clients in their words."""
        return self._rules.mcp

    def _take_turn(self, limiter: RateLimit) -> None:
        who = self._key.name or network_of(self.address)
        wait_s = limiter.take(who, time.monotonic())
        if wait_s:
            raise refusals.too_many_requests(wait_s)

    def _nowhere(self, head: RequestHead, host: bytes | None, target: bytes) -> Refused:
        if self._key.is_missing:
            return refusals.key_required(self._rules.key_header)
        asked = self._sender.proto, host, target if head.method in LINKS else b""
        return self._rules.find_no_route(*asked, self.address)

    def _decide(self, head: RequestHead, facts: RequestFacts, host: bytes | None) -> None:
        """All that the fields say. What is the same as in the last request is not asked again."""
        rules = self._rules
        # Whatever is refused below, nothing of the last request may stand for this one.
        self._facts = self._checked = self.last_admission = None
        self._key.drop()
        self._page.cors = b""
        if self.refusal is not None:
            raise self.refusal
        self.general_checks.check(head, facts)
        if self._version != rules.version:
            self._forget()
        self._locate(facts)
        if self._site is None or host != self._host:
            self._site = self._route = None
            self._site, self._host = rules.routes.get(name_of(host), self._sender.local), host
        self._key.find(head, self.address)
        # The same facts do not say that the key is the same, if it may stand in such a field.
        self._facts = facts if rules.key_header not in TRACE_FIELDS else None
        self._method = head.method

    def _forget(self) -> None:
        """The rules are new: what was found by the old ones counts no more."""
        self._version = self._rules.version
        self._site = self._route = None
        self._sender.forget()
        self._key.forget()
        self._page.forget()

    def _locate(self, facts: RequestFacts) -> None:
        """Who asks? For somebody else, or who is refused, no route stands."""
        route, self._route = self._route, None
        try:
            is_same = self._sender.locate(facts)
        finally:
            self.address = self._sender.address
        if is_same:
            self._route = route

    def _enter(self, route: Route[Upstream]) -> None:
        """Another service than the last: may they use it, and what is it to them?"""
        upstream = route.service
        refusal = upstream.access.find_refusal(self.address) if upstream.access else None
        if refusal is not None:
            raise refusals.address(refusal)
        self._presentation.find(route, self._host)
        self._route = route

    def settled(self, admission: Admission) -> Admission:
        """The same, now that the address of the service may have become known."""
        if self._route is None or self._route.service is not admission.service:
            return admission
        self._presentation.find(self._route, self._host)
        home, forwarded = self._presentation.home, self._presentation.forwarded
        if home is admission.home and forwarded == admission.forwarded:
            return admission
        self.last_admission = None
        return admission._replace(home=home, forwarded=forwarded)

    def _check(self, method: bytes, facts: RequestFacts, route: Route[Upstream]) -> None:
        """May what these fields say take this route?"""
        if route is not self._route:
            self._enter(route)
        self.last_admission = None
        proto = self._sender.proto
        self._page.check(method, facts, route.service, host=self._host, proto=proto)
        has_ways_round = bool(facts.overrides or facts.destination)
        home = self._presentation.home
        if has_ways_round:
            check_fields(method, facts, route, home, route.service.permissions)
        self._key.check(route.service.name)
        key = self._key.key
        if has_ways_round and key is not None and key.permissions is not None:
            check_fields(method, facts, route, home, key.permissions)
        self._checked = route

    def __repr__(self) -> str:
        return f"<Caller {self.address} [{self._route.service.name if self._route else 'new'}]>"
