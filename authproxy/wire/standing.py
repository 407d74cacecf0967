"""What keeps requests of a client connection from passing, whoever they are for."""

from authproxy.exchange import RequestHead
from authproxy.policy.health import health_answer
from authproxy.wire.rules import ListenerRules


class Standing:
    """Of one connection. To be asked for each request that is not the same as the one before."""

    __slots__ = ("_asks_for_itself", "_rules")

    def __init__(self, rules: ListenerRules, *, is_proxy: bool) -> None:
        """`is_proxy`: it began with a PROXY header that names nobody but the proxy itself."""
        self._rules = rules
        self._asks_for_itself = is_proxy

    def check(self, head: RequestHead) -> None:
        """Raises Refused."""
        paths = self._rules.health_paths
        if self._asks_for_itself and paths is not None:
            raise health_answer(head.method, head.target, paths)

    def __repr__(self) -> str:
        return f"<Standing [{'a proxy itself' if self._asks_for_itself else 'a client'}]>"
