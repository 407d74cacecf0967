"""Checks of requests that apply whatever their service is: loops, health checks, probes."""

from collections.abc import Sequence

from authproxy.exchange import Field, RequestHead
from authproxy.policy.access.health import health_answer
from authproxy.policy.messages.facts import RequestFacts
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.loops import Loops


class GeneralChecks:
    """General checks of one connection's requests. To be asked for each request that is not the
    same as the one before."""

    __slots__ = ("_asks_for_itself", "_link", "_loops", "_rules")

    def __init__(
        self,
        rules: ListenerRules,
        *,
        loops: Loops | None = None,
        link: bytes = b"",
        is_proxy: bool = False,
    ) -> None:
        """`link`: the connection, as `accepted_link` has it.

        `is_proxy`: it began with a PROXY header that names nobody but the proxy itself.
        """
        self._rules = rules
        self._loops = loops
        self._link = link
        self._asks_for_itself = is_proxy

    def check(self, head: RequestHead, facts: RequestFacts) -> None:
        """Raises Refused."""
        if self._loops is not None:
            self._loops.check(self._link, facts.hops)
        paths = self._rules.health_paths
        if self._asks_for_itself and paths is not None:
            raise health_answer(head.method, head.target, paths)
        if self._rules.probe is not None:
            self._rules.probe.check(head.method, head.target)

    def mark(self, facts: RequestFacts, headers: Sequence[Field]) -> bytes:
        """The line by which a service on this machine knows a loop, if it is an authproxy too."""
        if self._loops is None:
            return b""
        return self._loops.mark(self._link, facts.hops, headers)

    def __repr__(self) -> str:
        return f"<GeneralChecks [{'a proxy itself' if self._asks_for_itself else 'a client'}]>"
