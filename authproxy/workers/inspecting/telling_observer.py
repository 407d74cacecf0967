"""The observer of a worker that records: it tells the parent of exchanges, for its inspector.

Rules of this file: nobody waits, and nothing grows. An exchange that ends soon is told of once, at
its end; one that lasts, as it stands from time to time. What the parent does not take in time is
not kept, and counted.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Sequence
from typing import Any

from authproxy.exchange import NO_TOKEN, Exchange, Field, Token
from authproxy.inspector.recording.record_maker import REPLAY
from authproxy.workers.inspecting.exchange_message import (
    Message,
    shown_exchange,
    shown_fields,
    shown_token,
)

EVERY_S = 0.1
BATCH = 50
"""Exchanges of one message: some hundred microseconds to write."""
MOST_WAITING = 1000
"""Exchanges; those that end then are not told of."""
MOST_TOKENS = 256


class TellingObserver:
    """An Observer. It asks for the same as one that records."""

    wants_heads = True
    wants_times = True
    names_to_send = frozenset({REPLAY})

    def __init__(self, say: Callable[[Message], object], is_behind: Callable[[], bool]) -> None:
        """`say` tells the parent; `is_behind`: it has not taken all yet."""
        self._say = say
        self._is_behind = is_behind
        self._live: dict[Exchange, object] = {}
        """How each stood when it was told of; None before that."""
        self._trailers: dict[Exchange, str] = {}
        self._waiting: list[Message] = []
        self._tokens: dict[int, tuple[Token, int]] = {}
        """By identity, each with the number that it was told by."""
        self._new_tokens: dict[int, Message] = {}
        self._numbers = itertools.count(1)
        self.lost = 0
        """Exchanges that were not told of at all, since that was said."""

    def exchange_begun(self, exchange: Exchange) -> None:
        self._live[exchange] = None

    def tunnel_opened(self, exchange: Exchange) -> None:
        """Its heads are there for the last time."""
        if len(self._waiting) < MOST_WAITING:  # else it is told of without them, or not at all
            self._live[exchange] = _state(exchange)
            self._waiting.append(self._shown(exchange))

    def answer_trailers(self, exchange: Exchange, fields: Sequence[Field]) -> None:
        self._trailers[exchange] = shown_fields(fields)

    def exchange_ended(self, exchange: Exchange) -> None:
        was_told = self._live.pop(exchange, None) is not None
        trailers = self._trailers.pop(exchange, None)
        if len(self._waiting) < MOST_WAITING:
            found = self._shown(exchange)
            found["ended"] = True
            if trailers is not None:
                found["trailers"] = trailers
            self._waiting.append(found)
        elif was_told:
            self._waiting.append({"number": exchange.number, "lost": True})
        else:
            self.lost += 1
        if len(self._waiting) % BATCH == 0:
            self._send()

    async def keep_telling(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(EVERY_S)
            self.tell()

    def tell(self, *, is_asked: bool = False) -> None:
        """What has waited, and what lasts and stands otherwise than it was told; with `is_asked`
        also what has begun just now."""
        began_before = time.monotonic() - (0.0 if is_asked else EVERY_S)
        for exchange, told in self._live.items():
            if len(self._waiting) >= MOST_WAITING:
                break
            state = _state(exchange)
            if told != state and (told is not None or exchange.started <= began_before):
                self._live[exchange] = state
                self._waiting.append(self._shown(exchange))
        self._send()

    def _send(self) -> None:
        while (self._waiting or self.lost) and not self._is_behind():
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            tokens, self._new_tokens = self._new_tokens, {}
            lost, self.lost = self.lost, 0
            self._say({"do": "exchanges", "list": batch, "tokens": tokens, "lost": lost})

    def _shown(self, exchange: Exchange) -> dict[str, Any]:
        return shown_exchange(exchange, self._number_of)

    def _number_of(self, token: Token) -> int:
        """Each is kept, so that no other one can take its place in memory."""
        if token is NO_TOKEN:
            return 0
        known = self._tokens.get(id(token))
        if known is None:
            if len(self._tokens) >= MOST_TOKENS:
                self._tokens.clear()
            known = self._tokens[id(token)] = token, next(self._numbers)
            self._new_tokens[known[1]] = shown_token(token)
        return known[1]

    def __repr__(self) -> str:
        return f"<TellingObserver [{len(self._live)} live, {len(self._waiting)} waiting]>"


def _state(exchange: Exchange) -> object:
    return exchange.service, exchange.attempts, exchange.status
