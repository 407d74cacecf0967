"""What a request asks for: the target of its first line, or its `:path` (RFC 9112 3.2)."""

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
        hint="Leave out what stands before the `@`. A password for the service goes into an"
        " Authorization header.",
    )


# What is shown of a target to whoever reads the log.

_SLASH = rb"(?:[/\\]|%(?:25)*(?:2f|5c))"
_PART = re.compile(rb"(%b*)((?:(?!%b).)*)" % (_SLASH, _SLASH), re.I | re.S)
"""Slashes, written in whatever way, and what stands behind them."""
_AT = re.compile(rb"@|%(?:25)*40", re.I)
_COLON = re.compile(rb":|%(?:25)*3a", re.I)
_ENDS_WITH_COLON = re.compile(rb"(?::|%(?:25)*3a)\Z", re.I)
_SLASHES = re.compile(_SLASH, re.I)
_AUTHORITY = re.compile(rb"(?:[^:\[\]]*|\[[^\[\]]*\])(?::[0-9]*)?")


def shown_path(target: bytes) -> bytes:
    """The path of `target` for the log, without what can hold secrets.

    That is the query, the fragment, and the user name and password of a URL: of an absolute target,
    of `//user:secret@host/`, and of a URL within the path, as in `/fetch/https://user:secret@host/`.
    """
    path = target.partition(b"?")[0].partition(b"#")[0]
    if b"@" not in path and b"40" not in path:
        return path
    scheme, separator, rest = path.partition(b"://")
    if separator and b"/" not in scheme:
        # A password may have a slash in it, though it must not.
        authority = rest.partition(b"/")[0]
        if b"@" in authority or not _AUTHORITY.fullmatch(authority):
            path = scheme + separator + rest.rpartition(b"@")[2]
    return _PART.sub(_without_user, path)


def shown_host(host: bytes) -> bytes:
    """A `Host` or authority for the log, without user name and password."""
    return _AT.split(host)[-1]


def _without_user(part: re.Match[bytes]) -> bytes:
    slashes, text = part.groups()
    found = list(_AT.finditer(text))
    if not found:
        return part[0]
    user = text[: found[-1].start()]
    before = part.string[max(part.start() - 16, 0) : part.start()]
    begins_authority = (
        len(_SLASHES.findall(slashes)) > 1
        or (not slashes and part.start() == 0)
        or _ENDS_WITH_COLON.search(before)
    )
    if begins_authority or _COLON.search(user):
        return slashes + text[found[-1].end() :]
    return part[0]
