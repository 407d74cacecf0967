"""Messages of both sides of a WebSocket: the last ones that fit, in the order they came."""

import re
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from authproxy.exchange import Field
from authproxy.inspector.bodies.content import OVERHEAD, without_last_word
from authproxy.inspector.bodies.websocket_frames import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    Frames,
    WebSocketMessage,
)
from authproxy.inspector.redaction.redactor import Redactor
from authproxy.inspector.redaction.structured import redact_json

EACH = 520
"""Bytes that the objects around one message take."""
KINDS = {TEXT: "text", BINARY: "binary", CLOSE: "close", PING: "ping", PONG: "pong"}
Direction = Literal["sent", "received"]
"""As browsers say it: `sent` by the client, `received` from the service."""


class Sockets:
    """Both directions of one tunnel."""

    def __init__(
        self,
        headers: Sequence[Field],
        redactor: Redactor,
        at_most: int,
        clock: Callable[[], float],
    ) -> None:
        """`headers` are the answer's: they say what compression was agreed on (RFC 7692 7.1)."""
        self._redactor = redactor
        self._at_most = at_most
        self._clock = clock
        self._kept: deque[dict[str, object]] = deque()
        self._sizes: deque[int] = deque()
        self._count = 0
        agreed = _agreed(headers)
        self._sides = {
            way: Frames(
                partial(self._heard, way),
                at_most,
                step_over=self._stepped_over,
                deflate=agreed is not None,
                keeps_context=agreed is None or f"{who}_no_context_takeover" not in agreed,
            )
            for way, who in (("sent", "client"), ("received", "server"))
        }
        self._messages_held = OVERHEAD

    @property
    def held(self) -> int:
        return self._messages_held + sum(side.held for side in self._sides.values())

    def feed(self, direction: Direction, data: bytes) -> None:
        self._sides[direction].feed(data)

    def _stepped_over(self, count: int) -> None:
        self._count += count

    def _heard(self, direction: str, message: WebSocketMessage) -> None:
        self._count += 1
        made: dict[str, object] = {
            "number": self._count,
            "at": self._clock(),
            "direction": direction,
            "kind": KINDS[message.opcode],
            "size": message.size,
            "compressed": message.compressed,
        }
        size = EACH
        if message.opcode == TEXT:
            text = self._redacted(message)
            made |= {"text": text, "truncated": message.size > len(message.data)}
            size += len(text) * (1 if text.isascii() else 4)
        elif message.opcode == CLOSE and len(message.data) >= 2:
            reason = self._redactor.text(message.data[2:]).decode("utf-8", "replace")
            made |= {"code": int.from_bytes(message.data[:2]), "reason": reason}
            size += len(reason) * 4
        self._keep(made, size)

    def _keep(self, made: dict[str, object], size: int) -> None:
        self._kept.append(made)
        self._sizes.append(size)
        self._messages_held += size
        while len(self._kept) > 1 and self._messages_held > self._at_most:
            self._kept.popleft()
            self._messages_held -= self._sizes.popleft()

    def _redacted(self, message: WebSocketMessage) -> str:
        data = message.data
        if message.size > len(data):
            data = without_last_word(data)
        is_json = data.lstrip()[:1] in (b"{", b"[")
        kept = redact_json(self._redactor, data) if is_json else self._redactor.text(data)
        return kept.decode("utf-8", "replace")

    def shown(self) -> dict[str, object]:
        found: dict[str, object] = {
            "form": "websocket",
            "count": self._count,
            "dropped": self._count - len(self._kept),
            "messages": list(self._kept),
        }
        broken = {way: side.broken for way, side in self._sides.items() if side.broken}
        return found | {"unreadable": broken} if broken else found


def _agreed(headers: Sequence[Field]) -> str | None:
    """The parameters of permessage-deflate, where it is in use."""
    for name, value, _ in headers:
        if name == b"sec-websocket-extensions":
            for each in value.decode("latin-1").split(","):
                if re.match(r"\s*permessage-deflate\b", each):
                    return each
    return None
