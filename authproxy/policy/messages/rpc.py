"""Callers of remote procedures: which protocol a request speaks, and what an error is called in it.

None of their clients shows a page, and gRPC's show no field either of an answer that is not 200. So
what authproxy has to say must be said as each protocol says it:

- gRPC        https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
- gRPC-Web    https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md
- Connect     https://connectrpc.com/docs/protocol
"""

from enum import StrEnum
from urllib.parse import parse_qs

from authproxy.errors import AuthProxyError, Code, CredentialError, RefusedByGoogle
from authproxy.exchange import RequestHead


class Rpc(StrEnum):
    GRPC = "gRPC"
    GRPC_WEB = "gRPC-Web"
    GRPC_WEB_TEXT = "gRPC-Web in base64"
    CONNECT = "Connect"
    """One message each way, in the body."""
    CONNECT_STREAM = "Connect, streaming"


_GRPC = b"application/grpc"
_GRPC_WEB = b"application/grpc-web"
_GRPC_WEB_TEXT = b"application/grpc-web-text"
_CONNECT_STREAM = b"application/connect+"
_STATUS_DIGITS = 3
_METHODS = (b"POST", b"GET")  # to HEAD and to a preflight nothing can be said


STATUS = b"grpc-status"
"""The field: in trailers, or in the head of an answer that has nothing else."""


def read_status(value: bytes) -> int | None:
    """None for what is no status of gRPC's, which are small numbers."""
    return int(value) if value.isdigit() and len(value) <= _STATUS_DIGITS else None


def find_rpc(head: RequestHead) -> Rpc | None:
    """None for everything else than a call. Not for every request: it looks at all fields."""
    if head.method not in _METHODS:
        return None
    media = media_type(head)
    if media.startswith(_GRPC):
        return _find_grpc(head, media)
    if media.startswith(_CONNECT_STREAM):
        return Rpc.CONNECT_STREAM
    return Rpc.CONNECT if _is_connect(head, media) else None


def media_type(head: RequestHead) -> bytes:
    """Of the request's body, in lower case and without parameters."""
    return _value(head, b"content-type").partition(b";")[0].strip(b" \t").lower()


def _find_grpc(head: RequestHead, media: bytes) -> Rpc | None:
    if _is(media, _GRPC):
        return Rpc.GRPC
    is_text = _is(media, _GRPC_WEB_TEXT)
    if not is_text and not _is(media, _GRPC_WEB):
        return None
    # The client says by Accept how the answer shall be written; if it does not, as it wrote itself.
    accepted = [part.partition(b";")[0].strip() for part in _value(head, b"accept").split(b",")]
    if any(_is(part.lower(), _GRPC_WEB_TEXT) for part in accepted):
        return Rpc.GRPC_WEB_TEXT
    if any(_is(part.lower(), _GRPC_WEB) for part in accepted):
        return Rpc.GRPC_WEB
    return Rpc.GRPC_WEB_TEXT if is_text else Rpc.GRPC_WEB


def _is(media: bytes, kind: bytes) -> bool:
    """Of this kind, whatever the messages are written in: `application/grpc+proto`."""
    return media == kind or media.startswith(kind + b"+")


def _is_connect(head: RequestHead, media: bytes) -> bool:
    if head.method == b"POST":
        is_connect = _value(head, b"connect-protocol-version") == b"1"
        return is_connect and media.startswith(b"application/")
    query = head.target.partition(b"?")[2]
    return b"connect=v1" in query and parse_qs(query).get(b"connect") == [b"v1"]


def _value(head: RequestHead, name: bytes) -> bytes:
    return next((value for lower, value, _ in head.headers if lower == name), b"")


_INVALID_ARGUMENT, _DEADLINE_EXCEEDED, _PERMISSION_DENIED = 3, 4, 7
_RESOURCE_EXHAUSTED, _UNIMPLEMENTED, _INTERNAL, _UNAVAILABLE, _UNAUTHENTICATED = 8, 12, 13, 14, 16
_UNKNOWN = 2

# By HTTP status, so that no new code can be forgotten. The names are gRPC's own; a client that sees
# UNAVAILABLE may try again, so it stands for what may pass.
_OF_OURS = {
    400: _INVALID_ARGUMENT,
    401: _UNAUTHENTICATED,
    403: _PERMISSION_DENIED,
    404: _UNIMPLEMENTED,
    405: _UNIMPLEMENTED,
    408: _DEADLINE_EXCEEDED,
    413: _RESOURCE_EXHAUSTED,
    414: _RESOURCE_EXHAUSTED,
    421: _UNIMPLEMENTED,
    429: _RESOURCE_EXHAUSTED,
    431: _RESOURCE_EXHAUSTED,
    502: _UNAVAILABLE,
    503: _UNAVAILABLE,
    504: _DEADLINE_EXCEEDED,
    508: _INTERNAL,
}
# What a client takes somebody else's answer for:
# https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
_OF_OTHERS = {
    400: _INTERNAL,
    401: _UNAUTHENTICATED,
    403: _PERMISSION_DENIED,
    404: _UNIMPLEMENTED,
    429: _UNAVAILABLE,
    502: _UNAVAILABLE,
    503: _UNAVAILABLE,
    504: _UNAVAILABLE,
}


def grpc_status(error: AuthProxyError) -> int:
    """The number that says the same to a gRPC client."""
    if isinstance(error, CredentialError) and error.permanent:
        return _UNAUTHENTICATED
    if isinstance(error, RefusedByGoogle):
        return _OF_OTHERS.get(error.status, _UNKNOWN)
    if error.code is Code.SIGN_IN_REDIRECT:
        return _UNAUTHENTICATED
    return _OF_OURS.get(error.status, _UNKNOWN)


_OF_CONNECT = {
    _UNKNOWN: ("unknown", 500),
    _INVALID_ARGUMENT: ("invalid_argument", 400),
    _DEADLINE_EXCEEDED: ("deadline_exceeded", 504),
    _PERMISSION_DENIED: ("permission_denied", 403),
    _RESOURCE_EXHAUSTED: ("resource_exhausted", 429),
    _UNIMPLEMENTED: ("unimplemented", 501),
    _INTERNAL: ("internal", 500),
    _UNAVAILABLE: ("unavailable", 503),
    _UNAUTHENTICATED: ("unauthenticated", 401),
}


def connect_code(error: AuthProxyError) -> tuple[str, int]:
    """What Connect calls it, and the status that this has over HTTP."""
    return _OF_CONNECT[grpc_status(error)]
