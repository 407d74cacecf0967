"""JSON-RPC messages (2.0), read only as far as the bridge must; all else passes as it was written.

A message is sent on by its bytes. So fields, methods and numbers that nobody here knows of arrive
as they left.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FAILED = -32000
"""The code for what the bridge itself has to say; the first that JSON-RPC leaves to servers."""
PARSE_ERROR = -32700
METHOD_NOT_FOUND = -32601
INVALID_REQUEST = -32600

INITIALIZE = "initialize"
INITIALIZED = "notifications/initialized"
CANCELLED = "notifications/cancelled"
VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
"""In `_meta` of each request, since 2026-07-28."""

_SAFE = frozenset(
    {
        "completion/complete",
        "initialize",
        "logging/setLevel",
        "ping",
        "prompts/get",
        "prompts/list",
        "resources/list",
        "resources/read",
        "resources/subscribe",
        "resources/templates/list",
        "resources/unsubscribe",
        "server/discover",
        "tools/list",
    }
)
"""Requests that may be sent again, though the server may have seen them: they change nothing, or to
the same in the end. What a tool does nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message, or several in an array, as the protocol of 2025-03-26 allows."""

    raw: bytes
    """On one line."""
    parts: tuple[Mapping[str, Any], ...]
    """The message itself, or those of the array."""

    @property
    def method(self) -> str:
        """Empty for a response, and for several messages."""
        method = self.parts[0].get("method", "") if len(self.parts) == 1 else ""
        return method if isinstance(method, str) else ""

    @property
    def params(self) -> Mapping[str, Any]:
        return _mapping(self.parts[0].get("params"))

    @property
    def awaited(self) -> tuple[str, ...]:
        """The ids that responses are expected for, as they are written in JSON."""
        return tuple(json.dumps(part["id"]) for part in self.parts if is_request(part))

    @property
    def answered(self) -> tuple[str, ...]:
        """The ids that this has responses for."""
        return tuple(json.dumps(part.get("id")) for part in self.parts if is_response(part))

    @property
    def version(self) -> str:
        """The protocol of a request that names it by itself; empty before 2026."""
        version = _mapping(self.params.get("_meta")).get(VERSION_KEY, "")
        return version if isinstance(version, str) else ""

    @property
    def is_safe(self) -> bool:
        """Whether to send it twice does no harm."""
        return self.method in _SAFE


def read_message(data: bytes | str) -> Message:
    """Raises ValueError, which says what is wrong with it."""
    raw = data.encode() if isinstance(data, str) else data
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    parts = value if isinstance(value, list) else [value]
    if not parts or not all(isinstance(part, dict) for part in parts):
        raise ValueError("it is not a JSON object")
    if not all(is_request(part) or is_response(part) or "method" in part for part in parts):
        raise ValueError("it has neither a method nor a result")
    # Between strings, where alone they can be, ends of lines mean nothing (RFC 8259 2).
    return Message(raw=raw.replace(b"\r", b" ").replace(b"\n", b" ").strip(), parts=tuple(parts))


def is_request(part: Mapping[str, Any]) -> bool:
    return isinstance(part.get("method"), str) and part.get("id") is not None


def is_response(part: Mapping[str, Any]) -> bool:
    return "method" not in part and ("result" in part or "error" in part)


def write_message(**fields: object) -> Message:
    """A message of the bridge's own."""
    value = {"jsonrpc": "2.0", **fields}
    return Message(raw=json.dumps(value).encode(), parts=(value,))


def write_error(request_id: str, error: Mapping[str, Any]) -> bytes:
    """The response to the request of that id, which is written in JSON already."""
    return b'{"jsonrpc": "2.0", "id": %b, "error": %b}' % (
        request_id.encode(),
        json.dumps(error).encode(),
    )


def with_id(message: Message, request_id: str) -> Message:
    """The same request by another id."""
    return write_message(**{**message.parts[0], "id": request_id})


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
