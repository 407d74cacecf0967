"""Cookies of a service that its client reaches under another origin.

Not every browser takes `Secure` cookies over plain http from localhost, and cookies do not care
for ports or, in the end, for paths: two services at `localhost` would share theirs. So a name that
would not do becomes `authproxy.MARK.NAME` on its way to the client, and itself again on its way
back. MARK is the service's name; empty where the host is the service's alone. Then a name changes
only

- if it has a prefix by which browsers demand `Path=/` (RFC 6265bis 4.1.3), and the service is
  below that;
- on plain http, if it has a prefix by which they demand `Secure`;
- on plain http, if scripts cannot read the cookie: WebKit does not let plain http set a name that a
  server with TLS on any other port has set as `Secure`. What scripts read must keep its name.
"""

import re
from dataclasses import dataclass

OURS = b"authproxy."
"""What begins the names that we have changed. No service may set one by itself."""
MAX_COOKIE = 4096
"""Bytes of name and value together that a browser takes (RFC 6265bis 5.6)."""
LONG_GONE = b"Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
_PREFIXES = (b"__secure-", b"__host-", b"__http-")  # and with that, __Host-Http-
_LAST_CENTURY = re.compile(rb"\b19[0-9]{2}\b")
_AT_ROOT = b"__host-"
_NOT_ON_PLAIN = (b"secure", b"partitioned")


@dataclass(frozen=True, slots=True)
class Cookie:
    """A Set-Cookie, taken apart as browsers do (RFC 6265bis 5.6)."""

    pair: bytes
    """As it stands there."""
    name: bytes
    content: bytes
    attributes: tuple[bytes, ...]
    """As they stand there."""

    @property
    def keys(self) -> frozenset[bytes]:
        """The attributes' names, in lower case."""
        return frozenset(_key(attribute) for attribute in self.attributes)

    def find(self, key: bytes) -> bytes | None:
        """The value of the attribute that counts: the last one."""
        found = [each.partition(b"=")[2].strip() for each in self.attributes if _key(each) == key]
        return found[-1] if found else None

    @property
    def is_in_our_name(self) -> bool:
        """WebKit returns `=a=b`, whose name is empty, as `a=b`."""
        return self.pair.lstrip(b" \t=").lower().startswith(OURS)

    @property
    def is_deletion(self) -> bool:
        """As far as can be told without a clock. It need not say how the cookie was set."""
        age = self.find(b"max-age")
        if age is None:
            is_past = _LAST_CENTURY.search(self.find(b"expires") or b"") is not None
        else:
            is_past = age == b"0" or age[:1] == b"-"
        return is_past or self.content in (b"", b'""')


def read_cookie(value: bytes) -> Cookie:
    pair, *attributes = value.split(b";")
    name, equals, content = pair.partition(b"=")
    if not equals:  # a cookie without a name
        name, content = b"", name
    return Cookie(pair, name.strip(), content.strip(), tuple(attributes))


def local_cookie(value: bytes, *, is_plain: bool, prefix: bytes, mark: bytes) -> bytes | None:
    """A Set-Cookie for the client; None for one that no service may set.

    `prefix` stands before the service's paths. `Domain` goes: the cookie is the host's that was
    asked, and no other's.
    """
    cookie = read_cookie(value)
    if cookie.is_in_our_name:
        return None
    is_ours = renames(cookie, is_plain=is_plain, prefix=prefix, mark=mark)
    kept = [local_pair(cookie, mark) if is_ours else cookie.pair.strip()]
    has_path = False
    for attribute in cookie.attributes:
        key = _key(attribute)
        if key == b"domain" or (is_plain and _needs_tls(key, attribute)):
            continue
        if key == b"path" and prefix:
            has_path = True
            path = attribute.partition(b"=")[2].strip()
            if path[:1] != b"/":
                path = b"/"
            attribute = b" Path=%b%b" % (prefix, path if path != b"/" else b"")
        kept.append(attribute)
    if prefix and not has_path:
        kept.append(b" Path=" + prefix)
    return b";".join(kept)


def local_pair(cookie: Cookie, mark: bytes) -> bytes:
    return b"%b%b.%b=%b" % (OURS, mark, cookie.name, cookie.content)


def renames(cookie: Cookie, *, is_plain: bool, prefix: bytes, mark: bytes) -> bool:
    """Does the client get it under a name of ours?"""
    if mark or (prefix and cookie.name.lower().startswith(_AT_ROOT)):
        return True
    if not is_plain or not cookie.name:
        return False
    if cookie.name.lower().startswith(_PREFIXES):
        return True
    # One that the longer name would cost its life is better off with its own.
    return b"httponly" in cookie.keys and len(local_pair(cookie, mark)) - 1 <= MAX_COOKIE


def service_cookies(
    value: bytes, mark: bytes, *, is_plain: bool = True, prefix: bytes = b""
) -> bytes | None:
    """A Cookie field for the service: without those of others; None when nothing is left."""
    if OURS not in value:
        return value
    kept: list[tuple[bytes, bool]] = []
    hidden: set[bytes] = set()
    for pair in value.split(b";"):
        pair = pair.strip()
        is_ours = pair.startswith(OURS)
        if not is_ours and pair.lstrip(b"= \t").startswith(OURS):
            continue  # without a name, as Firefox returns it: no service has set it
        if is_ours:
            owner, _, pair = pair[len(OURS) :].partition(b".")
            if owner != mark or not (mark or is_plain or prefix):
                continue
            name, _, content = pair.partition(b"=")
            if not name:  # as browsers return a cookie without a name
                pair = content
            elif not mark and not name.lower().startswith(_PREFIXES):
                hidden.add(name)
        kept.append((pair, is_ours))
    # Any port of the host, and any script, can set the service's own name beside ours.
    left = [pair for pair, is_ours in kept if is_ours or _name(pair) not in hidden]
    return b"; ".join(left) or None


def _name(pair: bytes) -> bytes:
    return pair.partition(b"=")[0].strip()


def _needs_tls(key: bytes, attribute: bytes) -> bool:
    if key in _NOT_ON_PLAIN:
        return True
    return key == b"samesite" and attribute.partition(b"=")[2].strip().lower() == b"none"


def _key(attribute: bytes) -> bytes:
    return attribute.partition(b"=")[0].strip().lower()
