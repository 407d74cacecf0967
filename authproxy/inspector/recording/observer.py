"""Makes records of exchanges as they go by."""

import time
from collections.abc import Sequence

from authproxy.exchange import Exchange, Field, ResponseHead, SentHead
from authproxy.inspector.recording.kept_heads import LONG, REMEMBERED, Heads
from authproxy.inspector.recording.record import EACH_TRY, Record, Way
from authproxy.inspector.recording.service_rates import ServiceRates
from authproxy.inspector.recording.store import Store
from authproxy.inspector.recording.token_notes import TokenNotes

MOST_TRIES = 20
REPLAY = b"x-authproxy-replay"
"""The field by which a replayed request is known. `Connection` names it, so it goes no further."""


class RecordingObserver:
    """An Observer. What it does for each request must cost little beside the request."""

    wants_details = True
    wants_times = True

    def __init__(self, store: Store, heads: Heads, rates: ServiceRates) -> None:
        self._store = store
        self._rates = rates
        self._live = store.live
        self._heads = heads
        self._tokens = TokenNotes()
        self._ways: dict[int, Way] = {}
        self._run = ""
        self.replays: dict[bytes, str] = {}
        """Requests that we send ourselves: what REPLAY says, and which exchange it was before."""

    def exchange_begun(self, exchange: Exchange) -> None:
        store = self._store
        store.begun += 1
        if store.is_paused:
            return
        head = exchange.head
        record = Record(
            self._run or self._find_run(exchange),
            store.begun,
            exchange,
            self._heads.came(head.headers),
            self._heads.target(head.target),
        )
        if self.replays:
            record.replayed_from = self._replayed(head.headers)
        store.add(record, exchange)

    def _find_run(self, exchange: Exchange) -> str:
        """We hear of every exchange, so its number is how many have begun."""
        self._run = exchange.request_id.rpartition("-")[0]
        return self._run

    def _replayed(self, fields: Sequence[Field]) -> str:
        marks = [value for name, value, _ in fields if name == REPLAY]
        return self.replays.pop(marks[0], "") if marks else ""

    def exchange_sent(self, exchange: Exchange, sent: SentHead) -> None:
        record = self._live.get(exchange)
        if record is None or len(record.sent) >= MOST_TRIES:
            return
        token, raw, target = sent.token, sent.raw, sent.target
        pieces = raw if raw.__class__ is bytes else tuple(raw)
        # Another token may have this one's address one day, but hardly with the same end.
        key = hash((pieces, sent.origin, id(token), token.expires_at))
        way = self._ways.get(key) or self._make_way(key, sent)
        target = record.target if target == exchange.head.target else self._heads.target(target)
        at = time.monotonic() - exchange.started
        if record.sent:
            self._store.grew(record, EACH_TRY)
        record.sent += ((way, sent.method, target, sent.opening, at),)

    def _make_way(self, key: int, sent: SentHead) -> Way:
        way = Way(
            self._heads.sent(sent),
            sent.origin,
            sent.version,
            sent.token_name,
            self._tokens.note(sent.token),
            sent.secret_names,
        )
        if len(self._ways) >= REMEMBERED:
            self._ways.clear()
        if len(way.head.text) <= LONG:
            self._ways[key] = way
        return way

    def answer_head(
        self, exchange: Exchange, came: ResponseHead | None, sent: ResponseHead
    ) -> None:
        record = self._live.get(exchange)
        if record is None:
            return
        heads = self._heads
        went = heads.came(sent.headers)
        if came is None:
            record.answered = None, sent.reason, sent.version, went, sent.status
        else:
            record.answered = (
                heads.came(came.headers),
                sent.reason,
                came.version,
                went,
                sent.status,
            )
        self._store.changed(record)

    def answer_trailers(self, exchange: Exchange, fields: Sequence[Field]) -> None:
        record = self._live.get(exchange)
        if record is not None:
            record.trailers = self._heads.came(fields)

    def exchange_ended(self, exchange: Exchange) -> None:
        record = self._live.pop(exchange, None)
        if record is not None:
            record.end()
            self._store.ended(record)
        if exchange.service:
            ended = exchange.started + exchange.duration_s
            number = 0 if record is None else record.number
            self._rates.note(exchange.service, exchange.status, exchange.duration_s, ended, number)

    def __repr__(self) -> str:
        return f"<RecordingObserver into {self._store}>"
