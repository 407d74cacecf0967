"""Parser for the target of a request: of its first line, or its `:path` (RFC 9112 3.2)."""

import re

from authproxy.errors import Code, Refused


def split_target(method: bytes, target: bytes, host: bytes | None) -> tuple[bytes, bytes | None]:
    """The target to send on and the authority that counts (RFC 9112 3.2).

    An absolute target, which clients send to what they take for a forward proxy, carries its own
    authority; it wins over the Host field. Raises Refused for a target that is none.
    """
    if target[:1] == b"/":
        return target, host
    if target == b"*":
        if method != b"OPTIONS":
            raise asterisk()
        return target, host
    scheme, separator, rest = target.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        raise Refused(
            "The target of the request is neither a path nor an absolute URL.",
            code=Code.BAD_REQUEST,
        )
    end = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    authority, path = rest[:end], rest[end:]
    if b"@" in authority:
        raise _user()
    if not path and method == b"OPTIONS":
        return b"*", authority  # RFC 9112 3.2.4: about the server, not about its `/`
    return path if path[:1] == b"/" else b"/" + path, authority


def fragment() -> Refused:
    """One server would take it for a part of the path, the next one would cut it off."""
    return Refused(
        "The target of the request has a fragment: `#` and what follows it.",
        code=Code.BAD_REQUEST,
        hint="A fragment stays with the client (RFC 9112 3.2). Leave it out, or write %23 for a `#`"
        " that belongs to the path.",
    )


def asterisk() -> Refused:
    return Refused(
        "Only OPTIONS may have `*` for its target (RFC 9112 3.2.4).",
        code=Code.BAD_REQUEST,
        hint="Ask for a path, as in `/`.",
    )


def _user() -> Refused:
    """RFC 9110 4.2.4."""
    return Refused(
        "The target of the request has a user name in front of its host.",
        code=Code.BAD_REQUEST,
        hint="Leave out what is before the `@`. A password for the service goes into an"
        " Authorization header.",
    )


# What is shown of a target to whoever reads the log.

_SLASH = rb"(?:[/\\]|%(?:25)*(?:2f|5c))"
_SLASHES = re.compile(rb"(%b+)" % _SLASH, re.I)
"""Written in whatever way."""
_ONE_SLASH = re.compile(_SLASH, re.I)
_AT = re.compile(rb"@|%(?:25)*40", re.I)
_COLON = re.compile(rb":|%(?:25)*3a", re.I)
_ENDS_WITH_COLON = re.compile(rb"(?::|%(?:25)*3a)\Z", re.I)
_AUTHORITY = re.compile(rb"(?:[^:\[\]]*|\[[^\[\]]*\])(?::[0-9]*)?")


def shown_path(target: bytes) -> bytes:
    """The path of `target` for the log, without what can hold secrets.

    That is the query, the fragment, and the user name and password of a URL: of an absolute target,
    of `//user:secret@host/`, and of a URL in the path, as in `/fetch/https://user:secret@host/`.
    """
    path = target.partition(b"?")[0].partition(b"#")[0]
    return _without_users(path) if b"@" in path or b"40" in path else path


def shown_host(host: bytes) -> bytes:
    """A `Host` or authority for the log, without user name and password."""
    return _AT.split(host)[-1]


def _without_users(path: bytes) -> bytes:
    scheme, separator, rest = path.partition(b"://")
    if separator and b"/" not in scheme:
        # A password may have a slash in it, though it must not.
        authority = rest.partition(b"/")[0]
        if b"@" in authority or not _AUTHORITY.fullmatch(authority):
            path = scheme + separator + rest.rpartition(b"@")[2]
    parts = _SLASHES.split(path)  # a name, slashes, a name …
    for at in range(0, len(parts), 2):
        name = parts[at]
        if b"@" in name or b"40" in name:
            parts[at] = _without_user(name, *parts[max(at - 2, 0) : at])
    return b"".join(parts)


def _without_user(name: bytes, before: bytes = b"", slashes: bytes = b"") -> bytes:
    """`name` stands behind `slashes`, and those behind the name `before`."""
    *users, rest = _AT.split(name)
    if not any(users):
        return name
    begins_authority = (
        not slashes or _ENDS_WITH_COLON.search(before) or len(_ONE_SLASH.findall(slashes)) > 1
    )
    return rest if begins_authority or any(map(_COLON.search, users)) else name
