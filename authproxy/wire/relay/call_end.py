"""Last words of an HTTP/1.1 answer that the service has broken off.

To most clients only a reset says that an answer is not whole. But gRPC, gRPC-Web and Connect end
their streams with a status, and a client that gets one knows more than that something broke.
"""

from authproxy.errors import AuthProxyError
from authproxy.exchange import Exchange, make_field
from authproxy.policy.messages.headers import last_chunk
from authproxy.policy.messages.rpc import Rpc, find_rpc
from authproxy.wire.rpc_replies import last_message, status_lines
from authproxy.wire.transport import add_chunk


def tell_end(
    out: list[bytes],
    exchange: Exchange,
    error: AuthProxyError,
    messages: "Messages | None",
    *,
    is_empty: bool,
) -> bool:
    """End the answer, whose body is sent in chunks, with `error`; False where that cannot be said.

    `messages`: where in them the client stands, if somebody has counted; `is_empty`: nothing of the
    body has been sent.
    """
    rpc, request_id = find_rpc(exchange.head), exchange.request_id
    if rpc is None:
        return False
    if rpc is Rpc.GRPC:
        lines = status_lines(error, request_id)
        out.append(last_chunk([make_field(n.encode(), v.encode()) for n, v in lines]))
        return True
    is_between = messages.is_between if messages else is_empty
    last = last_message(error, rpc, request_id)
    if not last or not is_between:
        return False
    if messages is None or not messages.is_over:
        add_chunk(out, last)
    out.append(last_chunk([]))
    return True


class Messages:
    """Position in a stream of messages, each with five bytes ahead of it."""

    def __init__(self) -> None:
        self._left = 0
        """Bytes that are still to come of a message."""
        self._begun = b""
        """Of the five bytes."""
        self.is_over = False
        """The last message has begun: it says how the call went."""

    @property
    def is_between(self) -> bool:
        """No message has come in part."""
        return not self._left and not self._begun

    def feed(self, data: bytes) -> None:
        at = min(self._left, len(data))
        self._left -= at
        while at < len(data):
            head = self._begun + data[at : at + 5 - len(self._begun)]
            at += len(head) - len(self._begun)
            if len(head) < 5:
                self._begun = head
                return
            self._begun = b""
            self.is_over |= bool(head[0] & 0x82)
            length = int.from_bytes(head[1:], "big")
            step = min(length, len(data) - at)
            self._left, at = length - step, at + step

    def __repr__(self) -> str:
        return f"<Messages [{'over' if self.is_over else f'{self._left} bytes to come'}]>"
