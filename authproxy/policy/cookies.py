"""Cookies of a service that its client reaches under another origin.

Not every browser takes `Secure` cookies over plain http from localhost, and cookies do not care
for ports or, in the end, for paths: two services at `localhost` would share theirs. So a name that
would not do becomes `authproxy.MARK.NAME` on its way to the client, and itself again on its way
back. MARK is the service's name; empty where only the name's own prefix is in the way (RFC 6265bis
4.1.3).
"""

OURS = b"authproxy."
"""What begins the names that we have changed. No service may set one by itself."""
_PREFIXES = (b"__secure-", b"__host-")
_NOT_ON_PLAIN = (b"secure", b"partitioned", b"samesite=none")


def local_cookie(value: bytes, *, is_plain: bool, prefix: bytes, mark: bytes) -> bytes | None:
    """A Set-Cookie for the client; None for one that no service may set.

    `prefix` stands before the service's paths. `Domain` goes: the cookie is the host's that was
    asked, and no other's.
    """
    pair, *attributes = value.split(b";")
    name, equals, content = pair.strip().partition(b"=")
    if name.strip().lower().startswith(OURS):
        return None
    if equals and name and (mark or (is_plain and name.lower().startswith(_PREFIXES))):
        pair = b"%b%b.%b=%b" % (OURS, mark, name, content)
    kept = [pair]
    has_path = False
    for attribute in attributes:
        key, _, text = attribute.strip().partition(b"=")
        if key.lower() == b"domain" or (is_plain and _squeezed(attribute) in _NOT_ON_PLAIN):
            continue
        if key.lower() == b"path" and prefix:
            has_path = True
            path = text if text[:1] == b"/" else b"/"
            attribute = b" Path=%b%b" % (prefix, path if path != b"/" else b"")
        kept.append(attribute)
    if prefix and not has_path:
        kept.append(b" Path=" + prefix)
    return b";".join(kept)


def service_cookies(value: bytes, mark: bytes) -> bytes | None:
    """A Cookie field for the service: without those of others; None when nothing is left."""
    if OURS not in value:
        return value
    kept = []
    for pair in value.split(b";"):
        name = pair.strip()
        if name.startswith(OURS):
            owner, _, name = name[len(OURS) :].partition(b".")
            if owner != mark:
                continue
        kept.append(name)
    return b"; ".join(kept) or None


def _squeezed(attribute: bytes) -> bytes:
    return b"".join(attribute.lower().split())
