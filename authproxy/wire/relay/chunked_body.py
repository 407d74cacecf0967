"""The body of an answer that goes to the client in chunks."""

from collections.abc import Sequence

from authproxy.errors import AuthProxyError
from authproxy.exchange import Exchange, Field
from authproxy.policy.messages.headers import answer_end
from authproxy.policy.messages.origin_mapping import Home
from authproxy.wire.relay.call_end import Messages, tell_end
from authproxy.wire.transport import add_chunk


class ChunkedBody:
    """Chunked body of one answer."""

    __slots__ = ("_home", "_messages", "_out")

    def __init__(self, out: list[bytes], home: Home, *, has_messages: bool) -> None:
        """`has_messages`: of gRPC-Web or Connect, each with five bytes ahead of it."""
        self._out = out
        self._home = home
        self._messages = Messages() if has_messages else None

    def add(self, data: bytes) -> None:
        """Send a piece on."""
        add_chunk(self._out, data)
        if self._messages is not None:
            self._messages.feed(data)

    def finish(self, trailers: Sequence[Field]) -> None:
        """The body is over."""
        self._out.append(answer_end(trailers, self._home))

    def break_off(self, exchange: Exchange, error: AuthProxyError, *, is_empty: bool) -> bool:
        """End it with `error`; False where that cannot be said. `is_empty`: nothing was added."""
        return tell_end(self._out, exchange, error, self._messages, is_empty=is_empty)

    def drain(self) -> None:
        """Nothing: it has no end but its own."""

    def __repr__(self) -> str:
        return f"<ChunkedBody [{self._messages or 'no messages'}]>"
