"""Header fields by which services let a request have another method or path than it says.

Frameworks and servers in front of them know these; most do so only when told to. Where there are
rules for methods or paths they would be a way round them. Names are in lower case, and also written
with `_` for `-`: CGI and WSGI applications take both for one.
"""

from itertools import product


def _spelled(*names: str) -> frozenset[bytes]:
    """Each name in all its spellings."""
    found: set[str] = set()
    for name in names:
        first, *parts = name.split("-")
        for marks in product("-_", repeat=len(parts)):
            found.add(first + "".join(map("".join, zip(marks, parts, strict=True))))
    return frozenset(name.encode() for name in found)


METHOD_FIELDS = _spelled(
    # Google's, Microsoft's and IBM's; Rails, Symfony, Laravel, Express' method-override, Spring …
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    # Of servers that ask another one whether a request may pass.
    "x-forwarded-method",
    "x-original-method",
)
PATH_FIELDS = _spelled(
    # Microsoft's IIS and what imitates it: Symfony and Zend read them in place of the path.
    "x-original-url",
    "x-rewrite-url",
    "x-waws-unencoded-url",
    "x-original-uri",
    "x-original-path",
    "x-forwarded-uri",
    "x-forwarded-path",
    "x-envoy-original-path",
    # gunicorn and others take this for a part of the path. (X-Forwarded-Prefix is ours to say.)
    "x-script-name",
    "script-name",
    "path-info",
)
OVERRIDES = METHOD_FIELDS | PATH_FIELDS

HOPS = b"x-authproxy-hops"
"""For other authproxies on this machine alone, see `wire.loops`; no client's reaches a service."""
