"""The events that answer a POST of MCP, over HTTP/1.1: their client hears how they ended.

They pass as they come. When nothing more will come and the response was not among them, one more
event says so, if the stream stands between two.
"""

from collections.abc import Sequence
from typing import Protocol

from authproxy.errors import AuthProxyError
from authproxy.exchange import Exchange, Field
from authproxy.policy.mcp.jsonrpc import RpcBody
from authproxy.policy.mcp.response_watch import ResponseWatch
from authproxy.policy.messages.headers import answer_end
from authproxy.policy.messages.origin_mapping import Home
from authproxy.wire import refusals
from authproxy.wire.recorder import Recorder
from authproxy.wire.transport import add_chunk
from authproxy.wire.upstream.connection import Client


class McpExchange(Protocol):
    """The exchange that a stream of events is the answer of."""

    exchange: Exchange
    recorder: Recorder

    @property
    def client(self) -> Client:
        """Who gets the answer."""

    @property
    def is_open(self) -> bool:
        """It has not ended."""

    def give_up(self, error: AuthProxyError, /) -> None:
        """There will be no more of the answer, because of `error`."""


class CallStream:
    """The body of one answer, as it goes to the client."""

    __slots__ = ("_home", "_in_chunks", "_is_ending", "_listens", "_relay", "_watch")

    def __init__(self, relay: McpExchange, asked: RpcBody, *, in_chunks: bool, home: Home) -> None:
        """`in_chunks`: to the client; else the connection's end is that of the body."""
        self._relay = relay
        self._watch = ResponseWatch(asked.ids)
        self._listens = asked.listens
        self._in_chunks = in_chunks
        self._home = home
        self._is_ending = False

    def add(self, data: bytes) -> None:
        """Send a piece on."""
        if not self._relay.is_open:
            return
        self._write(data)
        self._watch.feed(data)
        if self._is_ending:
            self.drain()

    def finish(self, trailers: Sequence[Field]) -> None:
        """The service has ended it."""
        if not self._relay.is_open:
            return
        if self._watch.wants_error:
            error = refusals.ended_early()
            self._relay.recorder.left(self._relay.exchange, "service", error.message)
            self._tell(error)
        if self._in_chunks:
            self._relay.client.out.append(answer_end(trailers, self._home))

    def break_off(self, _exchange: Exchange, error: AuthProxyError, *, is_empty: bool) -> bool:
        """End it with `error`; False where that cannot be said. `is_empty`: nothing was added."""
        if not self._watch.wants_error:
            return False
        self._tell(error)
        if self._in_chunks:
            self._relay.client.out.append(answer_end((), self._home))
        return True

    def drain(self) -> None:
        """End what only listens, now or with the event that has begun; a call has its time."""
        self._is_ending = self._listens
        if self._is_ending and self._watch.wants_error and self._relay.is_open:
            self._relay.give_up(refusals.shutting_down())

    def _tell(self, error: AuthProxyError) -> None:
        self._write(self._watch.errors(error, self._relay.exchange.request_id))

    def _write(self, data: bytes) -> None:
        if self._in_chunks:
            add_chunk(self._relay.client.out, data)
        else:
            self._relay.client.out.append(data)

    def __repr__(self) -> str:
        return f"<CallStream [{self._watch!r}]>"
