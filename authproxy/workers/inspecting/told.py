"""Exchanges that workers have told of: the parent's inspector hears of them as of its own.

They get numbers of the parent's, in the order in which it hears of them, since each worker counts
for itself. Their ids, as logs and answers have them, stay.
"""

import itertools
import logging
import time

from authproxy.exchange import NO_TOKEN, Exchange, Token
from authproxy.inspector.assembly import Recording
from authproxy.wire.recorder import retell
from authproxy.workers.inspecting.exchange_message import (
    Message,
    read_block,
    read_client,
    read_facts,
    read_head,
    read_token,
)
from authproxy.workers.inspecting.telling_observer import MOST_TOKENS, MOST_WAITING

logger = logging.getLogger(__name__)

FORGET_TOKENS = 2 * (MOST_TOKENS + MOST_WAITING)
"""With more than these the oldest are forgotten: nothing that is still told can be about them."""


class ToldExchanges:
    """Exchanges of all workers, for one recording."""

    def __init__(self, recording: Recording) -> None:
        self._store = recording.store
        self._ids = recording.ids
        self._live: dict[int, dict[int, Exchange]] = {}
        """Of each worker, by its own numbers."""
        self._tokens: dict[int, dict[int, Token]] = {}
        self._numbers = itertools.count(1)

    def hear(self, worker: int, message: Message) -> None:
        """The worker of this number tells."""
        tokens = self._tokens.setdefault(worker, {0: NO_TOKEN})
        for number, token in message["tokens"].items():
            tokens[int(number)] = read_token(token)
        if len(tokens) > FORGET_TOKENS:
            for old in sorted(tokens)[1 : -FORGET_TOKENS // 2]:
                del tokens[old]
        self._store.forgotten += message["lost"]
        live = self._live.setdefault(worker, {})
        for each in message["list"]:
            if "lost" in each:
                self._lose(live.pop(each["number"], None))
            else:
                self._try(live, each, tokens)

    def _lose(self, exchange: Exchange | None) -> None:
        """None: what was told of it could not be read."""
        if exchange is None:
            self._store.forgotten += 1
        else:
            self._store.lose(exchange)

    def _try(self, live: dict[int, Exchange], told: Message, tokens: dict[int, Token]) -> None:
        """As with any other observer, an error ends nothing."""
        try:
            self._take(live, told, tokens)
        except Exception:
            logger.exception("an exchange of a worker cannot be recorded")

    def _take(self, live: dict[int, Exchange], told: Message, tokens: dict[int, Token]) -> None:
        exchange = live.get(told["number"])
        if exchange is None:
            exchange = live[told["number"]] = self._begin(told)
        before = exchange.status
        retell(exchange, read_facts(told, tokens))
        if exchange.status == 101 != before:
            self._store.tunnel_opened(exchange)
            retell(exchange, {"sent": (), "answer": None})
        if "trailers" in told:
            self._store.note_trailers(exchange, read_block(told["trailers"]))
        if "ended" in told:
            del live[told["number"]]
            self._store.keep(exchange)

    def _begin(self, told: Message) -> Exchange:
        run = told["id"].rpartition("-")[0]
        exchange = Exchange(run, next(self._numbers), read_client(told), read_head(told))
        self._ids[exchange.number] = told["id"]
        self._store.live.add(exchange)
        return exchange

    def gone(self, worker: int) -> None:
        """It has ended; another one may get its number. What was under way has ended with it."""
        self._tokens.pop(worker, None)
        for exchange in self._live.pop(worker, {}).values():
            ended = {
                "aborted": "authproxy",
                "detail": "its worker has ended",
                "duration_s": time.monotonic() - exchange.started,
            }
            retell(exchange, ended)
            self._store.keep(exchange)

    def __repr__(self) -> str:
        return f"<ToldExchanges into {self._store}>"
