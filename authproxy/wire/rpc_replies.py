"""The answers that authproxy makes by itself, to callers of remote procedures: a status and a
message in the place where their client looks for them, and how a call that was cut off ends.
"""

import base64
import json
from urllib.parse import quote

from authproxy.errors import AuthProxyError
from authproxy.exchange import RequestHead
from authproxy.policy.messages.rpc import Rpc, connect_code, grpc_status, media_type

Line = tuple[str, str]
"""A field of a head or of trailers."""

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")
# The first byte of the five before each message says what it is.
_TRAILERS, _END_OF_STREAM = b"\x80", b"\x02"


def status_and_body(
    error: AuthProxyError, rpc: Rpc, head: RequestHead, request_id: str
) -> tuple[int, list[Line], bytes]:
    """The answer's status, its content type with what else the protocol asks for, and its body."""
    kind = _content_type(rpc, head)
    match rpc:
        case Rpc.GRPC:
            return 200, [("Content-Type", kind), *status_lines(error, request_id)], b""
        case Rpc.CONNECT:
            status = connect_code(error)[1]
            return status, [("Content-Type", kind)], _connect_error(error, request_id)
        case _:
            return 200, [("Content-Type", kind)], last_message(error, rpc, request_id)


def status_lines(error: AuthProxyError, request_id: str) -> list[Line]:
    """gRPC's status: as trailers, or as the head of an answer that has nothing else."""
    # Everything but printable ASCII is percent-encoded, and so is %.
    message = quote(_message(error, request_id), safe=_PRINTABLE)
    return [("grpc-status", str(grpc_status(error))), ("grpc-message", message)]


def last_message(error: AuthProxyError, rpc: Rpc, request_id: str) -> bytes:
    """What ends a stream of messages in a body; nothing where the body does not end them."""
    if rpc is Rpc.CONNECT_STREAM:
        return _envelope(_END_OF_STREAM, b'{"error": %b}' % _connect_error(error, request_id))
    if rpc in (Rpc.GRPC_WEB, Rpc.GRPC_WEB_TEXT):
        lines = [f"{name}: {value}\r\n" for name, value in status_lines(error, request_id)]
        frame = _envelope(_TRAILERS, "".join(lines).encode())
        return base64.b64encode(frame) if rpc is Rpc.GRPC_WEB_TEXT else frame
    return b""


def _message(error: AuthProxyError, request_id: str) -> str:
    return f"{error.text} (authproxy: {error.code}, request {request_id})"


def _connect_error(error: AuthProxyError, request_id: str) -> bytes:
    said = {"code": connect_code(error)[0], "message": _message(error, request_id)}
    return json.dumps(said).encode()


def _envelope(flags: bytes, message: bytes) -> bytes:
    return flags + len(message).to_bytes(4, "big") + message


def _content_type(rpc: Rpc, head: RequestHead) -> str:
    """Some clients take nothing but what they asked with."""
    if rpc is Rpc.CONNECT:
        return "application/json"
    asked = media_type(head).decode("latin-1")
    messages = asked.rpartition("+")[2] if "+" in asked else ""
    base = {
        Rpc.GRPC: "application/grpc",
        Rpc.GRPC_WEB: "application/grpc-web",
        Rpc.GRPC_WEB_TEXT: "application/grpc-web-text",
        Rpc.CONNECT_STREAM: "application/connect",
    }[rpc]
    return f"{base}+{messages}" if messages.isascii() and messages.isalnum() else base
