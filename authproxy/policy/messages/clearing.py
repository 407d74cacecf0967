"""Clear-Site-Data: the parts of a browser's data that a service may clear.

`"cookies"` empties the cookies of a host and of all that is below its registrable domain, whatever
the port: on localhost those of every program there. So where the host is not the service's alone it
does not pass, and the cookies that this service was seen to set are expired in its place
(`policy.messages.site_data`). Storage and caches belong to an origin, port and all: clearing those
passes.
"""

from authproxy.policy.access.cross_site import normal_origin
from authproxy.values.hosts import is_ipv4, is_loopback

_OF_ORIGIN = (
    b'"cache"',
    b'"clientHints"',
    b'"executionContexts"',
    b'"prefetchCache"',
    b'"prerenderCache"',
    b'"storage"',
)


def local_clearing(value: bytes, client: bytes, mark: bytes) -> bytes | None:
    """A Clear-Site-Data for the client; None when nothing is left. See `Home` for the rest."""
    if not shares_cookies(client, mark):
        return value
    asked = [each.strip() for each in value.split(b",")]
    if b'"*"' in asked:
        return b", ".join(_OF_ORIGIN)
    kept = [each for each in asked if each in _OF_ORIGIN or each.startswith(b'"storage:')]
    return b", ".join(kept) or None


def shares_cookies(client: bytes, mark: bytes) -> bool:
    """Do others get the cookies of the host of the origin `client`?

    At a name of its own, at the port of https, a service may clear what it likes.
    """
    scheme, _, authority = normal_origin(client).partition(b"://")
    has_port = b":" in authority  # or is an IPv6 address
    name = authority.decode("latin-1")
    is_local = is_loopback(name) or name.endswith(".localhost") or is_ipv4(name)
    return bool(mark) or has_port or is_local or scheme != b"https"


def clears_cookies(value: bytes) -> bool:
    return b'"cookies"' in value or b'"*"' in value
