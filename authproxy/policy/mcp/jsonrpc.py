"""Messages of JSON-RPC 2.0, as far as an error has to be put in their place.

An id goes back exactly as it was sent, a number of thirty digits too, so it stays JSON all the way.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from authproxy.errors import AuthProxyError

MAX_BYTES = 64 * 1024
"""Of a message that is looked at. Clients choose it, and memory has a bound."""
FAILED = -32000
"""The first of the numbers that JSON-RPC leaves to servers."""
UNKNOWN = "null"
"""The id of an error that answers nothing that could be read."""


class _Number(str):
    """As it was written."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RpcBody:
    """The requests in one body."""

    ids: tuple[str, ...] = ()
    """In JSON, of those that want an answer."""
    methods: tuple[str, ...] = ()
    """Of all that have one, in order."""
    is_batch: bool = False

    @property
    def changes_nothing(self) -> bool:
        """It may be sent twice: it only asks what there is."""
        return bool(self.methods) and all(
            method == "server/discover" or method.endswith("/list") for method in self.methods
        )

    @property
    def listens(self) -> bool:
        """Its answer is a stream that goes on until somebody ends it (2026-07-28)."""
        return self.methods == ("subscriptions/listen",)


def read_asked(body: bytes) -> RpcBody | None:
    """None for what is no JSON-RPC."""
    found = _read(body)
    parts = found if isinstance(found, list) else [found]
    messages = [part for part in parts if isinstance(part, dict) and _is_version_2(part)]
    if not messages or len(messages) < len(parts):
        return None
    asking = [part for part in messages if _is_text(part.get("method"))]
    ids = [text for part in asking if (text := _id_of(part)) is not None]
    return RpcBody(
        ids=tuple(ids),
        methods=tuple(part["method"] for part in asking),
        is_batch=isinstance(found, list),
    )


def read_answered(data: bytes) -> tuple[str, ...]:
    """The ids of the responses in `data`; none where it is something else."""
    found = _read(data)
    parts = found if isinstance(found, list) else [found]
    responses = (part for part in parts if isinstance(part, dict) and "method" not in part)
    return tuple(
        text
        for part in responses
        if ("result" in part or "error" in part) and (text := _id_of(part)) is not None
    )


def write_errors(error: AuthProxyError, asked: RpcBody, request_id: str) -> bytes:
    """A response with `error` to each of its requests; a single one, for nobody, if there are
    none."""
    written = [_write(error, text, request_id) for text in asked.ids]
    if not written:
        return _write(error, UNKNOWN, request_id).encode()
    return (f"[{', '.join(written)}]" if asked.is_batch else written[0]).encode()


def _write(error: AuthProxyError, id_text: str, request_id: str) -> str:
    data = {"authproxy": str(error.code), "hint": error.hint, "request_id": request_id}
    said = json.dumps({"code": FAILED, "message": error.text, "data": data})
    return f'{{"jsonrpc": "2.0", "id": {id_text}, "error": {said}}}'


def _read(data: bytes) -> object:
    if len(data) > MAX_BYTES:
        return None
    try:
        return json.loads(
            data.decode("utf-8-sig"),
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_no_number,
        )
    except (ValueError, RecursionError):
        return None


def _no_number(name: str) -> object:
    raise ValueError(name)  # NaN and its like are no JSON


def _is_version_2(part: Mapping[str, object]) -> bool:
    return _is_text(part.get("jsonrpc")) and part["jsonrpc"] == "2.0"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not isinstance(value, _Number)


def _id_of(part: Mapping[str, object]) -> str | None:
    value = part.get("id")
    if isinstance(value, _Number):
        return str(value)
    return json.dumps(value) if isinstance(value, str) else None
