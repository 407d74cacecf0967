"""Hears of exchanges, and hands over those that have ended, some at once."""

import asyncio
from collections.abc import Callable, Sequence

from authproxy.exchange import Exchange, Field
from authproxy.inspector.recording.record_maker import REPLAY
from authproxy.inspector.recording.store import Store

AT_ONCE = 128
"""Exchanges that are made records of together: one after the other they cost half as much."""
LARGE = 16 * 1024
"""Bytes of content; one with more is kept at once, lest there is much to read through at a time."""
WAIT_S = 0.02
"""The longest that one waits for that. Until then what it says is kept as it was said."""


def _later(call: Callable[[], object]) -> None:
    """At once where no loop runs."""
    try:
        asyncio.get_running_loop().call_later(WAIT_S, call)
    except RuntimeError:
        call()


class RecordingObserver:
    """An Observer. What it does for each request must cost little beside the request, so it only
    takes note of them until there are enough."""

    wants_heads = True
    wants_times = True
    names_to_send = frozenset({REPLAY})
    """It sends nothing: so the mark of a replay over HTTP/2 goes no further than to us."""

    def __init__(
        self,
        store: Store,
        at_once: int = AT_ONCE,
        later: Callable[[Callable[[], object]], object] = _later,
    ) -> None:
        """`later` calls what it is given within WAIT_S."""
        self._store = store
        self._waiting = store.waiting
        self._at_once = at_once
        self._later = later
        self._is_awaited = False
        self.exchange_begun: Callable[[Exchange], object] = store.live.add

    def answer_trailers(self, exchange: Exchange, fields: Sequence[Field]) -> None:
        self._store.note_trailers(exchange, fields)

    def exchange_ended(self, exchange: Exchange) -> None:
        waiting = self._waiting
        waiting.append(exchange)
        content = exchange.bytes_to_client + exchange.bytes_from_client
        if len(waiting) >= self._at_once or content >= LARGE:
            self._take()
        elif not self._is_awaited:
            self._is_awaited = True
            self._later(self._take)

    def _take(self) -> None:
        self._is_awaited = False
        self._store.take()

    def __repr__(self) -> str:
        return f"<RecordingObserver into {self._store}>"
