"""Makes records of exchanges as they go by."""

import time
from collections.abc import Sequence

from authproxy.exchange import Exchange, Field, ResponseHead, SentHead
from authproxy.inspector.recording.kept_heads import Heads
from authproxy.inspector.recording.record import EACH_TRY, Answer, Record, Try
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
        self.replays: dict[bytes, str] = {}
        """Requests that we send ourselves: what REPLAY says, and which exchange it was before."""

    def exchange_begun(self, exchange: Exchange) -> None:
        store = self._store
        if store.is_paused:
            return
        store.begun += 1
        head = exchange.head
        record = Record(
            store.begun, exchange, self._heads.came(head.headers), self._heads.target(head.target)
        )
        if self.replays:
            record.replayed_from = self._replayed(head.headers)
        store.add(record, exchange)

    def _replayed(self, fields: Sequence[Field]) -> str:
        marks = [value for name, value, _ in fields if name == REPLAY]
        return self.replays.pop(marks[0], "") if marks else ""

    def exchange_sent(self, exchange: Exchange, sent: SentHead) -> None:
        record = self._live.get(exchange)
        if record is None or len(record.tries) >= MOST_TRIES:
            return
        target = sent.target
        record.tries += (
            Try(
                self._heads.sent(sent),
                sent.method,
                record.target if target == exchange.head.target else self._heads.target(target),
                sent.version,
                sent.origin,
                sent.token_name,
                self._tokens.note(sent.token),
                sent.secret_names,
                sent.opening,
                time.monotonic() - exchange.started,
            ),
        )
        self._store.grew(record, EACH_TRY)

    def answer_head(
        self, exchange: Exchange, came: ResponseHead | None, sent: ResponseHead
    ) -> None:
        record = self._live.get(exchange)
        if record is not None:
            heads = self._heads
            record.answer = Answer(
                None if came is None else heads.answer(came),
                sent.reason,
                sent.version if came is None else came.version,
                heads.answer(sent),
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
