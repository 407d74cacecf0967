"""Whether a page of another site is asking, in the name of the user who happens to look at it.

Every page can make a browser send requests to localhost, and authproxy would add the user's
identity to them. Browsers say who asks, in fields that pages cannot set: `Origin` (Fetch standard
3.1), and `Sec-Fetch-*` (Fetch Metadata), which they send to localhost and over TLS. What carries
neither is no current browser, and passes: curl, legacy tools, gRPC.

- The same origin passes, and so do the origins that the configuration allows.
- Another origin may lead the user here, as every link does: a GET for a whole page in a tab of its
  own. Its result is shown to the user only, and a link changes nothing.
- All else is refused: a request by a script, a form, an image, a frame, a WebSocket. Another port
  of localhost is another origin: what else runs on this machine is not ours to trust.

A browser that sends neither field with a GET (Safari before 16.4) cannot be told from curl. It does
send Origin with all that is meant to change something, and with WebSockets.
"""

from collections.abc import Collection
from dataclasses import dataclass

SAME = (b"same-origin", b"none")
"""Sec-Fetch-Site: by a page of ours, or by the user: typed, a bookmark."""
LINKS = (b"GET", b"HEAD")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What a request says about who makes it. Fields that it lacks are empty."""

    method: bytes
    origin: bytes = b""
    site: bytes = b""
    mode: bytes = b""
    dest: bytes = b""
    upgrades: bool = False

    @property
    def is_by_browser(self) -> bool:
        return bool(self.origin or self.site)

    @property
    def is_link(self) -> bool:
        """The user goes to a whole page, in a tab and not in a frame of another page."""
        navigates = self.mode == b"navigate" and self.dest == b"document"
        return navigates and self.method in LINKS and not self.upgrades


def find_cross_site(asking: Asking, host: bytes, allowed: Collection[bytes]) -> str | None:
    """Who of another site asks, for the log; None when the request may pass.

    `host` is the Host by which we were asked; `allowed` are origins as `normal_origin` gives them.
    """
    if not asking.is_by_browser or asking.is_link:
        return None
    if asking.origin:
        # The scheme is not compared: in front of us TLS may have ended, and one port speaks one.
        if is_own(asking.origin, host) or normal_origin(asking.origin) in allowed:
            return None
        return f"Origin {_shown(asking.origin)} is not {_shown(host)} and not in allow_origins"
    if asking.site in SAME:
        return None
    return f"Sec-Fetch-Site is {_shown(asking.site)}, Sec-Fetch-Dest {_shown(asking.dest)}"


def is_own(origin: bytes, host: bytes) -> bool:
    """Is `origin` a page that came from this very Host?"""
    scheme, _, authority = normal_origin(origin).partition(b"://")
    return scheme in _DEFAULT_PORTS and authority == _without_port(host.lower(), scheme)


def normal_origin(origin: bytes) -> bytes:
    """In lower case and without the scheme's own port. Anything else is as it came."""
    scheme, separator, authority = origin.lower().partition(b"://")
    return scheme + separator + _without_port(authority, scheme)


def _without_port(authority: bytes, scheme: bytes) -> bytes:
    port = _DEFAULT_PORTS.get(scheme)
    return authority if port is None else authority.removesuffix(port)


def _shown(value: bytes) -> str:
    return repr(value[:120].decode("latin-1")) if value else "missing"


_DEFAULT_PORTS = {b"http": b":80", b"https": b":443"}
