"""Says why Google refused, where the answer itself does not: to the log, and to local clients.

*Advice* is what `policy.google.advice` says about a refusal; a *hint* is that advice in a field of
the answer; the `Explainer` finds the one and decides whether it becomes the other.

The answer passes as it came. Whoever asks from this machine gets one more field with it, and nobody
else: who is calling and for which audience is nothing for strangers. Calls of gRPC and Connect get
an answer in their own protocol instead, with the advice in its message.
"""

import logging
import time
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

from authproxy.errors import RefusedByGoogle, UpstreamError
from authproxy.exchange import NO_TOKEN, Exchange, ResponseHead, Token
from authproxy.policy.google.advice import Advice, Situation, advise
from authproxy.policy.google.rejection import REFUSING, Rejection, judge, suspect
from authproxy.policy.google.sign_in import find_way_back, leads_to_sign_in, local_way_back
from authproxy.policy.mcp.forms import find_form
from authproxy.policy.messages.headers import FORWARDED
from authproxy.policy.messages.origin_mapping import Home
from authproxy.policy.messages.rpc import find_rpc
from authproxy.values.wording import utc
from authproxy.wire import refusals
from authproxy.wire.upstream.upstream import Upstream

logger = logging.getLogger(__name__)

EVERY_S = 60.0
"""How often the same is logged."""
_OWN = (401, 403, 404)
"""Statuses of applications that MCP clients act on, so they pass where a page was not read."""
MAX_TOLD = 1024
"""When there is more to remember all of it is forgotten: memory has a bound."""


class Explainer:
    """For one server; remembers what it has said."""

    def __init__(
        self,
        *,
        now: Callable[[], float],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now`: Google's time, by which tokens end; `steady`: seconds that never go back."""
        self._now = now
        self._steady = steady
        self._told: dict[tuple[str, Rejection, str], float] = {}

    def find_hint(
        self,
        exchange: Exchange,
        upstream: Upstream,
        token: Token,
        head: ResponseHead,
        *,
        begun: bytes,
        path: bytes,
    ) -> bytes:
        """What to put beside the final `head` that came for `exchange`; empty for an application's
        answer, and for clients elsewhere. Logs it.

        `begun`: the body as far as it came with the head; `path`: what the service was asked for.
        """
        rejection = judge(head.status, head.headers, begun, path=path)
        if rejection is None:
            return b""
        return self._advise(exchange, upstream, token, head.status, rejection).encode("ascii")

    def find_refusal(
        self,
        exchange: Exchange,
        upstream: Upstream,
        token: Token,
        head: ResponseHead,
        *,
        begun: bytes,
        path: bytes,
    ) -> RefusedByGoogle | None:
        """As `find_hint`, for a call of gRPC, Connect or MCP: what to answer instead of Google's
        page, which their clients show to nobody, nor any field beside it.
        """
        if head.status not in REFUSING or not _is_call(exchange, upstream):
            return None
        rejection = judge(head.status, head.headers, begun, path=path)
        if rejection is not None:
            hint = self._advise(exchange, upstream, token, head.status, rejection)
            return refusals.by_google(head.status, rejection, hint)
        rejection = suspect(head.status, head.headers) if not begun else None
        if rejection is None or (find_rpc(exchange.head) is None and head.status in _OWN):
            return None
        # Whoever else wrote the page, to a call it says no more than its status.
        hint = ""
        if is_local(exchange):
            advice = self._find_advice(rejection, upstream, token)
            hint = _as_value(f"If it is Google's own: {advice.line}")
        return refusals.by_page(head.status, hint)

    def _advise(
        self,
        exchange: Exchange,
        upstream: Upstream,
        token: Token,
        status: int,
        rejection: Rejection,
    ) -> str:
        """What helps, for the log and for clients here; for those elsewhere nothing."""
        is_here = is_local(exchange)
        is_news = self._is_news(upstream.name, rejection, token.principal)
        if not is_here and not is_news:
            return ""
        advice = self._find_advice(rejection, upstream, token)
        if is_news:
            _log(rejection, status, upstream.name, token, advice)
        return _as_value(advice.line) if is_here else ""

    def find_instead(
        self,
        exchange: Exchange,
        upstream: Upstream,
        token: Token,
        head: ResponseHead,
        home: Home,
    ) -> UpstreamError | None:
        """What to say in place of a redirect to sign in; None: it passes.

        To people, who would otherwise end up at the service itself and be refused there, and to
        calls, whose clients follow nothing. Other programs get the redirect, and can read the hint.
        """
        is_call = not _navigates(exchange)
        if is_call and not _is_call(exchange, upstream):
            return None
        if judge(head.status, head.headers, b"") is Rejection.IAP_NO_TOKEN:
            if is_call:
                # A field of its own says that it is from there, whatever the path.
                return self.find_refusal(exchange, upstream, token, head, begun=b"", path=b"")
            advice = self._find_advice(Rejection.IAP_NO_TOKEN, upstream, token)
            return refusals.sign_in(upstream.name, advice.line if is_local(exchange) else "")
        if is_call:
            return refusals.no_sign_in(upstream.name) if leads_to_sign_in(head) else None
        back = find_way_back(head, home)
        if back is None:
            return None
        return refusals.sign_in(
            upstream.name,
            f"Google would send the browser back to {back}. Set the application's redirect URI"
            f" to {local_way_back(back, home)}, and add that to its OAuth client's redirect URIs.",
        )

    def _find_advice(self, rejection: Rejection, upstream: Upstream, token: Token) -> "Advice":
        situation = Situation(
            service=upstream.name,
            origin=upstream.origin,
            audience=token.audience,
            principal=token.principal,
            source=token.source,
            expires_at=token.expires_at,
            issued_at=token.issued_at,
            now=self._now(),
        )
        return advise(rejection, situation)

    def _is_news(self, service: str, rejection: Rejection, principal: str) -> bool:
        key = (service, rejection, principal)
        now = self._steady()
        told_at = self._told.get(key)
        if told_at is not None and now - told_at < EVERY_S:
            return False
        if len(self._told) >= MAX_TOLD:
            self._told.clear()
        self._told[key] = now
        return True

    def __repr__(self) -> str:
        return f"<Explainer [{len(self._told)} told]>"


def _is_call(exchange: Exchange, upstream: Upstream) -> bool:
    """Whether nobody would get to read a page."""
    head = exchange.head
    return find_rpc(head) is not None or (upstream.mcp and find_form(head) is not None)


def _navigates(exchange: Exchange) -> bool:
    """Whether a browser asks for a page to show (W3C Fetch Metadata)."""
    return any(
        lower == b"sec-fetch-mode" and value == b"navigate"
        for lower, value, _ in exchange.head.headers
    )


def is_local(exchange: Exchange) -> bool:
    """On this machine, and not a proxy here that asks for somebody elsewhere."""
    return _is_loopback(exchange.client) and not any(
        lower in FORWARDED for lower, _, _ in exchange.head.headers
    )


def _is_loopback(client: IPv4Address | IPv6Address | None) -> bool:
    """None is a Unix socket's client."""
    return client is None or client.is_loopback


def _as_value(line: str) -> str:
    """For a header: a token can have any text in its claims."""
    return "".join(char if char.isascii() and char.isprintable() else "?" for char in line)


def _log(rejection: Rejection, status: int, service: str, token: Token, advice: "Advice") -> None:
    with_token = "without a token"
    if token is not NO_TOKEN:
        with_token = (
            f"as {token.principal} for {token.audience or 'Google APIs'},"
            f" token good until {utc(token.expires_at)}"
        )
    logger.warning(
        "Google refused a request to %s with %d (%s): %s",
        service,
        status,
        with_token,
        advice.line,
        extra={
            "service": service,
            "status": status,
            "rejection": str(rejection),
            "principal": token.principal,
            "audience": token.audience,
            "expires_at": None if token is NO_TOKEN else token.expires_at,
            "fix": advice.command,
        },
    )
