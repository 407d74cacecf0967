"""Health checks at a listener for clients: of platforms that know no other port, and of a load
balancer that asks for itself, after the PROXY protocol's LOCAL.

No service hears of them. Whoever is behind a LOCAL may be a client of the balancer's that has no
address, and would have the balancer's.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from authproxy.errors import Code, Refused
from authproxy.policy.access.targets import split_target

_ASKING = (b"GET", b"HEAD", b"OPTIONS")
_PROBING = (b"GET", b"HEAD")


@dataclass(frozen=True, slots=True, eq=False)
class HealthProbe:
    """The path by which everybody may ask whether authproxy is ready, and hears nothing more.

    Who makes a platform's checks, and by which `Host`, its documentation leaves open. So neither
    counts, nor does a key: what is said is a yes or no.
    """

    path: bytes
    is_ready: Callable[[], bool]

    def check(self, method: bytes, target: bytes) -> None:
        """Raises Refused with the answer, when that is what is asked for."""
        if target.startswith(self.path) and method in _PROBING:
            rest = target[len(self.path) :]
            if not rest or rest[:1] == b"?":
                raise self._answer()

    def _answer(self) -> Refused:
        if self.is_ready():
            return Refused("authproxy is ready.", code=Code.HEALTHY)
        return Refused(
            "authproxy is not ready.",
            code=Code.NOT_READY,
            hint="Its log, its admin listener and authproxy doctor say why.",
        )


def health_answer(method: bytes, target: bytes, paths: Collection[bytes]) -> Refused:
    """That authproxy is there, if that is what is asked; else that there is nothing more."""
    try:
        path = split_target(method, target, None)[0].partition(b"?")[0]
    except Refused as refusal:
        return refusal
    if method in _ASKING and (path in paths or path == b"*"):
        return Refused("authproxy takes requests.", code=Code.HEALTHY)
    shown = ", ".join(sorted(each.decode() for each in paths))
    return Refused(
        "The proxy in front of authproxy sent this request for itself, not for a client, so it"
        " is not passed on.",
        code=Code.PROXY_ITSELF,
        hint=f"Its health checks may ask for {shown}. A connection for a client must carry the"
        " client's address.",
        detail="a PROXY header that names no client (LOCAL)",
    )
