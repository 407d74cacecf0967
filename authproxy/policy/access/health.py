"""What a load balancer hears that asks for itself, after the PROXY protocol's LOCAL.

It wants to know whether anybody is there. No service hears of it: whoever is behind a LOCAL may be
a client of the balancer's that has no address, and would have the balancer's.
"""

from collections.abc import Collection

from authproxy.errors import Code, Refused
from authproxy.policy.access.targets import split_target

_ASKING = (b"GET", b"HEAD", b"OPTIONS")


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
