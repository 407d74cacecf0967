"""Check for requests of another site's page, in the name of the user who looks at it.

Every page can make a browser send requests to localhost, and authproxy would add the user's
identity to them. Browsers say who asks, in fields that pages cannot set: `Origin` (Fetch standard
3.1), and `Sec-Fetch-*` (Fetch Metadata), which they send to localhost and over TLS. What carries
neither is no current browser, and passes: curl, legacy tools, gRPC.

- The same origin passes, and so do the origins that the configuration allows. Their images and
  frames have no Origin, and a Referer instead. No other page can set that; but a page that shows an
  image of another site can be led on to us by it, which is no more than a link can do.
- Another origin may lead the user here, as every link does: a GET for a whole page in a tab of its
  own. Its result is shown to the user only, and a link changes nothing.
- What is fetched ahead (`Sec-Purpose`) looks as if the user had typed it, whoever's page wants it.
  Only the Referer tells, and a page can leave that out. So it must name us or an allowed origin. A
  refusal costs nothing: the browser asks again when the user goes there.
- `Sec-Fetch-Site: none` is for what the user opens by hand: a whole page, a download. For a part of
  a page, or for an identity (FedCM), the browser asks because some page wants it.
- `Origin: null` is what a page without referrer says in its own forms, with
  `Sec-Fetch-Site: same-origin`. From anybody else it is a page that hides its origin.
- All else is refused: a request by a script, a form, an image, a frame, a WebSocket. Another port
  of localhost is another origin: what else runs on this machine is not ours to trust.

Over plain http to any other name than localhost browsers send no `Sec-Fetch-*`. An image of another
site's page is then a GET with a foreign Referer, or with none if that page wants it so. The former
is refused; so is the link on the other site, which looks the same. The latter cannot be told from
curl. A browser that never sends `Sec-Fetch-*` (Safari before 16.4) is like that everywhere. All
send Origin with what is meant to change something, and with WebSockets.
"""

from collections.abc import Collection
from dataclasses import dataclass

from authproxy.values.hosts import is_loopback

SAME = (b"same-origin", b"none")
"""Sec-Fetch-Site: by a page of ours, or by the user: typed, a bookmark."""
LINKS = (b"GET", b"HEAD")
TYPED = (b"", b"document", b"empty")
"""Sec-Fetch-Dest of what a user can ask for by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """The parts of a request that tell which page makes it. Fields that it lacks are empty."""

    method: bytes
    origin: bytes = b""
    site: bytes = b""
    mode: bytes = b""
    dest: bytes = b""
    referer: bytes = b""
    purpose: bytes = b""
    upgrades: bool = False
    is_told_site: bool = True
    """Browsers send Sec-Fetch-Site to the name and scheme by which we were asked."""

    @property
    def has_referer_only(self) -> bool:
        """It may well be a link: nothing says whether the user went here or a page asked."""
        return not (self.origin or self.site or self.purpose)

    @property
    def shows_only(self) -> bool:
        """What it gets the page can show and not read: an image, a frame."""
        return self.method in LINKS and not self.upgrades

    @property
    def is_link(self) -> bool:
        """The user goes to a whole page, in a tab and not in a frame of another page."""
        return self.mode == b"navigate" and self.dest == b"document" and self.shows_only


def find_cross_site(page: PageRequest, host: bytes, allowed: Collection[bytes]) -> str | None:
    """Who of another site asks, for the log; None when the request may pass.

    `host` is the Host by which we were asked; `allowed` are origins as `normal_origin` gives them.
    """
    if page.purpose:
        refusal = _find_speculation(page, host, allowed)
        if refusal is not None:
            return refusal
    elif page.is_link:
        return None
    if page.origin:
        return _find_origin(page, host, allowed)
    if page.site:
        return _find_site(page, allowed)
    if page.referer and not page.is_told_site:
        origin = origin_of(page.referer)
        if not _passes(origin, host, allowed):
            return f"Referer {_shown(origin)} is not {_shown(host)} and not in allow_origins"
    return None


def _find_speculation(page: PageRequest, host: bytes, allowed: Collection[bytes]) -> str | None:
    """Our own page may have been led on by another site, which then stands in Sec-Fetch-Site."""
    origin = origin_of(page.referer)
    if normal_origin(origin) in allowed:
        return None
    if is_own(origin, host) and page.site in (b"", *SAME):
        return None
    return (
        f"it is a prefetch ({_shown(page.purpose)}), Referer {_shown(origin)} is not"
        f" {_shown(host)} and not in allow_origins, Sec-Fetch-Site is {_shown(page.site)}"
    )


def _find_origin(page: PageRequest, host: bytes, allowed: Collection[bytes]) -> str | None:
    if page.origin == b"null" and page.site == b"same-origin":
        return None
    if _passes(page.origin, host, allowed):
        return None
    return f"Origin {_shown(page.origin)} is not {_shown(host)} and not in allow_origins"


def _find_site(page: PageRequest, allowed: Collection[bytes]) -> str | None:
    """Of a request without Origin: a GET, in all browsers."""
    if page.site == b"same-origin" or page.purpose:
        return None
    if page.shows_only and normal_origin(origin_of(page.referer)) in allowed:
        return None
    if page.site == b"none" and page.dest in TYPED:
        return None
    return f"Sec-Fetch-Site is {_shown(page.site)}, Sec-Fetch-Dest {_shown(page.dest)}"


def _passes(origin: bytes, host: bytes, allowed: Collection[bytes]) -> bool:
    # The scheme is not compared: in front of us TLS may have ended, and one port speaks one.
    return is_own(origin, host) or normal_origin(origin) in allowed


def origin_of(url: bytes) -> bytes:
    """`scheme://authority` of a Referer; what is none is nobody's."""
    scheme, separator, rest = url.partition(b"://")
    for end in (b"/", b"?", b"#"):
        rest = rest.partition(end)[0]
    return scheme + separator + rest


def is_told_site(proto: bytes, name: str) -> bool:
    """Do browsers say who asks, at `proto` and the host `name`? (Secure Contexts 3.1)"""
    return proto == b"https" or is_loopback(name) or name.endswith(".localhost")


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
