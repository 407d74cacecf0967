"""Keeps the content of exchanges with those services for which that is switched on."""

import time
from collections.abc import Callable, Collection
from functools import partial

from authproxy.exchange import Exchange, ResponseHead
from authproxy.inspector.bodies.content import (
    BodyKeeper,
    BodyType,
    DescribedBody,
    WholeBody,
    nature_of,
)
from authproxy.inspector.bodies.event_streams import Events
from authproxy.inspector.bodies.grpc_messages import GrpcMessages
from authproxy.inspector.bodies.websocket_messages import Sockets
from authproxy.inspector.recording.record import KeptContent, Record
from authproxy.inspector.recording.store import Store
from authproxy.inspector.redaction.redactor import Redactor


class ContentObserver:
    """An Observer that hears before RecordingObserver that an exchange ended."""

    def __init__(
        self,
        store: Store,
        redactor: Redactor,
        services: Collection[str],
        at_most: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`at_most`: bytes of each body, and of the messages of each stream."""
        self._store = store
        self._live = store.live
        self._redactor = redactor
        self._services = frozenset(services)
        self._at_most = at_most
        self._clock = clock

    def exchange_admitted(self, exchange: Exchange) -> None:
        if exchange.service in self._services:
            record = self._live.get(exchange)
            if record is not None:
                record.content = KeptContent()

    def request_piece(self, exchange: Exchange, data: bytes) -> None:
        record = self._live.get(exchange)
        if record is None or record.content is None:
            return
        content = record.content
        if content.sockets is not None:
            self._message(record, content.sockets, partial(content.sockets.feed, "sent"), data)
            return
        if content.request is None:
            content.request = self._keeper(nature_of(exchange.head.headers))
            self._store.grew(record, content.request.held)
        self._feed(record, content.request, data)

    def answer_head(
        self, exchange: Exchange, came: ResponseHead | None, sent: ResponseHead
    ) -> None:
        record = self._live.get(exchange)
        if record is None or record.content is None:
            return
        head = sent if came is None else came
        if sent.status == 101:
            content = record.content
            content.sockets = Sockets(head.headers, self._redactor, self._at_most, self._clock)
            self._store.grew(record, content.sockets.held)
        else:
            record.content.answer = self._keeper(nature_of(head.headers))
            self._store.grew(record, record.content.answer.held)

    def answer_piece(self, exchange: Exchange, data: bytes) -> None:
        record = self._live.get(exchange)
        if record is None or record.content is None:
            return
        content = record.content
        if content.sockets is not None:
            self._message(record, content.sockets, partial(content.sockets.feed, "received"), data)
        elif content.answer is not None:
            self._feed(record, content.answer, data)

    def exchange_ended(self, exchange: Exchange) -> None:
        record = self._live.get(exchange)
        if record is None or record.content is None:
            return
        for kept in (record.content.request, record.content.answer):
            if kept is not None:
                before = kept.held
                kept.finish()
                self._store.grew(record, kept.held - before)

    def _feed(self, record: Record, kept: BodyKeeper, data: bytes) -> None:
        before = kept.held
        kept.feed(data)
        if kept.held != before:
            self._store.grew(record, kept.held - before)

    def _message(
        self, record: Record, sockets: Sockets, feed: Callable[[bytes], None], data: bytes
    ) -> None:
        before = sockets.held
        feed(data)
        self._store.grew(record, sockets.held - before)
        self._store.changed(record)

    def _keeper(self, nature: BodyType) -> BodyKeeper:
        if nature.form == "none":
            return DescribedBody(nature)
        if nature.form == "events":
            return Events(nature, self._redactor, self._at_most, self._clock)
        if nature.form == "grpc":
            return GrpcMessages(nature, self._at_most, self._clock)
        return WholeBody(nature, self._redactor, self._at_most)

    def __repr__(self) -> str:
        return f"<ContentObserver of {len(self._services)} services>"
