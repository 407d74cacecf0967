"""Access of the pages that a browser has open: may they ask this, and read the answer?"""

from authproxy.policy.access.cross_site import (
    PageRequest,
    find_cross_site,
    is_told_site,
    normal_origin,
)
from authproxy.policy.messages.cors import answer_lines, is_preflight, preflight
from authproxy.policy.messages.facts import RequestFacts
from authproxy.wire import refusals
from authproxy.wire.admission.listener_rules import ListenerRules, name_of
from authproxy.wire.upstream.upstream import Upstream


class PageAccess:
    """Page access of one connection: what a page was let in with is remembered."""

    __slots__ = ("_asked", "_rules", "cors")

    def __init__(self, rules: ListenerRules) -> None:
        self._rules = rules
        self._asked: tuple[tuple[object, ...], bytes] | None = None
        """What of a page was let in last, and the CORS lines for it."""
        self.cors = b""
        """The lines that let the page read the answer, even if that is a refusal."""

    def forget(self) -> None:
        """The rules are new: what was found by the old ones counts no more."""
        self._asked = None

    def check(
        self,
        method: bytes,
        facts: RequestFacts,
        upstream: Upstream,
        *,
        host: bytes | None,
        proto: bytes,
    ) -> None:
        """Raises Refused for a page of another site; `cors` is set for one that may ask."""
        if not (facts.origin or facts.fetch_site or facts.referer or facts.purpose):
            return
        # It is another one for each page, and for the page's own requests it does not count.
        referer = facts.referer if facts.purpose or facts.fetch_site != b"same-origin" else b""
        told = (facts.origin, facts.fetch_site, facts.fetch_mode, facts.fetch_dest, facts.purpose)
        asked = (method, told, referer, facts.upgrade is None, host, proto, upstream)
        if self._asked is not None and self._asked[0] == asked:
            self.cors = self._asked[1]
            return
        name, allowed = host or b"localhost", upstream.allow_origins
        if self._rules.allow_origins:
            allowed = allowed | self._rules.allow_origins
        page = PageRequest(
            method=method,
            origin=facts.origin,
            site=facts.fetch_site,
            mode=facts.fetch_mode,
            dest=facts.fetch_dest,
            referer=referer,
            purpose=facts.purpose,
            upgrades=facts.upgrade is not None,
            is_told_site=bool(facts.fetch_site) or is_told_site(proto, name_of(name)),
        )
        refusal = find_cross_site(page, name, allowed)
        if refusal is not None:
            raise refusals.cross_site(refusal, page)
        if facts.origin and normal_origin(facts.origin) in allowed:
            if is_preflight(method, facts.preflight_method):
                raise preflight(facts)
            self.cors = answer_lines(facts.origin)
        self._asked = asked, self.cors

    def __repr__(self) -> str:
        return f"<PageAccess [{'of an allowed origin' if self.cors else 'no other origin'}]>"
