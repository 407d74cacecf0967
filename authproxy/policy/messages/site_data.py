"""The cookies that a service was seen to set, for when it deletes them all, or one of two.

It is remembered under the names and paths by which the service knows them, whatever those are to a
client. What scripts set is not seen; nor is what was set before authproxy started.
"""

from collections.abc import Iterable

from authproxy.policy.messages.clearing import clears_cookies, shares_cookies
from authproxy.policy.messages.cookies import (
    LONG_GONE,
    MAX_COOKIE,
    Cookie,
    local_pair,
    read_cookie,
    renames,
)
from authproxy.policy.messages.origin_mapping import Home
from authproxy.policy.messages.rewriting import local_value

MAX_SEEN = 64
"""Cookies that are remembered for a service."""
MAX_SEEN_BYTES = 512
"""The longest name and path that are."""
FIELDS = frozenset([b"set-cookie", b"clear-site-data"])


class SiteData:
    """The cookies that one service was seen to set."""

    __slots__ = ("_seen", "_warned")

    def __init__(self) -> None:
        self._seen: dict[bytes, None] = {}
        """As Set-Cookie values that expire them."""
        self._warned: set[bytes] = set()

    def more(self, fields: Iterable[tuple[bytes, bytes]], home: Home, target: bytes) -> list[bytes]:
        """Further Set-Cookie values for an answer with these `fields` to `target`.

        `fields` are names, in lower case, and values, as the service sent them; `target` is the
        service's.
        """
        found: list[bytes | None] = []
        clears = False
        for name, value in fields:
            if name == b"set-cookie":
                cookie = read_cookie(value)
                if cookie.is_in_our_name:
                    continue
                path = _path(cookie, home, target)
                found.append(self._twin(cookie, path, home))
                self._note(cookie, path)
            elif name == b"clear-site-data":
                clears |= clears_cookies(value)
        if clears and shares_cookies(home.client, home.mark):
            found += [_local(each, home) for each in self._seen]
        return [each for each in found if each is not None]

    def find_too_long(self, fields: Iterable[tuple[bytes, bytes]], home: Home) -> list[bytes]:
        """Names of cookies that browsers drop for our name's sake; each is told once."""
        found = []
        for name, value in fields:
            if name != b"set-cookie" or len(value) < MAX_COOKIE // 2:
                continue
            cookie = read_cookie(value)
            size = len(cookie.name) + len(cookie.content)
            is_ours = renames(cookie, is_plain=home.is_plain, prefix=home.prefix, mark=home.mark)
            too_long = is_ours and len(local_pair(cookie, home.mark)) - 1 > MAX_COOKIE >= size
            if too_long and cookie.name not in self._warned and len(self._warned) < MAX_SEEN:
                self._warned.add(cookie.name)
                found.append(cookie.name)
        return found

    def _note(self, cookie: Cookie, path: bytes) -> None:
        if cookie.is_deletion or len(cookie.name) + len(path) > MAX_SEEN_BYTES:
            return
        expiry = _expiry(cookie, path)
        if expiry not in self._seen and len(self._seen) >= MAX_SEEN:
            del self._seen[next(iter(self._seen))]
        self._seen[expiry] = None

    def _twin(self, cookie: Cookie, path: bytes, home: Home) -> bytes | None:
        """One name has one cookie: what has its own name now may have had ours before.

        Whoever deletes a cookie seldom says again that scripts cannot read it.
        """
        if not home.is_plain or home.mark or not cookie.name:
            return None
        if renames(cookie, is_plain=True, prefix=home.prefix, mark=b""):
            return None
        twin = _expiry(cookie, path, http_only=True)
        if not (cookie.is_deletion or b"httponly" in cookie.keys or twin in self._seen):
            return None
        return _local(twin, home)

    def __repr__(self) -> str:
        return f"<SiteData [{len(self._seen)} cookies]>"


def _expiry(cookie: Cookie, path: bytes, *, http_only: bool | None = None) -> bytes:
    """A Set-Cookie of the service's that deletes `cookie`, which is found by name and path."""
    if http_only is None:
        http_only = b"httponly" in cookie.keys
    # Browsers take no cookie that has neither a name nor a value.
    parts = [b"%b=%b" % (cookie.name, b"" if cookie.name else b"-"), LONG_GONE]
    parts += [b"Path=%b" % path] if path else []
    parts += [b"HttpOnly"] if http_only else []
    # Over TLS, prefixes and pages on other sites demand these; on plain http they are taken off.
    parts += [b"Secure", b"SameSite=None"]
    parts += [b"Partitioned"] if b"partitioned" in cookie.keys else []
    return b"; ".join(parts)


def _local(value: bytes, home: Home) -> bytes | None:
    return local_value(b"set-cookie", value, home)


def _path(cookie: Cookie, home: Home, target: bytes) -> bytes:
    """The path that a cookie has for the service; empty for the prefix itself."""
    path = cookie.find(b"path") or b""
    if path[:1] == b"/":
        return path
    if home.prefix:
        return b""
    path = target.partition(b"?")[0]  # RFC 6265 5.1.4
    return path[: max(path.rfind(b"/"), 1)] if path[:1] == b"/" else b"/"
