"""Keeps the content of exchanges with those services for which that is switched on."""

import time
from collections.abc import Callable, Collection, Sequence

from authproxy.exchange import Exchange, Field
from authproxy.inspector.bodies.content import (
    BodyKeeper,
    BodyType,
    DescribedBody,
    WholeBody,
    nature_of,
)
from authproxy.inspector.bodies.event_streams import Events
from authproxy.inspector.bodies.grpc_messages import GrpcMessages
from authproxy.inspector.bodies.grpc_texts import MessageTexts
from authproxy.inspector.bodies.websocket_messages import Direction, Sockets
from authproxy.inspector.recording.kept_heads import REMEMBERED
from authproxy.inspector.recording.record import Extra
from authproxy.inspector.recording.record_maker import RecordMaker
from authproxy.inspector.recording.store import Store
from authproxy.inspector.redaction.redactor import Redactor
from authproxy.policy.messages.trace_fields import Fields
from authproxy.wire.observing import read_written


class ContentObserver:
    """An Observer."""

    wants_heads = True

    def __init__(
        self,
        store: Store,
        maker: RecordMaker,
        redactor: Redactor,
        texts: MessageTexts,
        services: Collection[str],
        at_most: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`at_most`: bytes of each body, and of the messages of each stream."""
        self._store = store
        self._live = store.live
        self._maker = maker
        self._extras = maker.extras
        self._redactor = redactor
        self._texts = texts
        self._services = frozenset(services)
        self._at_most = at_most
        self._clock = clock
        self._natures: dict[int, BodyType] = {}

    def request_piece(self, exchange: Exchange, data: bytes) -> None:
        extra = self._extras.get(exchange) or self._begin(exchange)
        if extra is None:
            return
        if extra.sockets is not None or exchange.status == 101:
            self._message(exchange, extra, "sent", data)
            return
        if extra.request is None:
            extra.request = self._keeper(exchange, exchange.head.headers, is_request=True)
            self._feed(extra, extra.request, data, 0)
        else:
            self._feed(extra, extra.request, data, extra.request.held)

    def answer_piece(self, exchange: Exchange, data: bytes) -> None:
        extra = self._extras.get(exchange) or self._begin(exchange)
        if extra is None:
            return
        if extra.sockets is not None or exchange.status == 101:
            self._message(exchange, extra, "received", data)
            return
        if extra.answer is None:
            extra.answer = self._keeper(exchange, _answer_fields(exchange), is_request=False)
            self._feed(extra, extra.answer, data, 0)
        else:
            self._feed(extra, extra.answer, data, extra.answer.held)

    def _begin(self, exchange: Exchange) -> Extra | None:
        """None where nothing is to be kept. Before it is admitted nobody knows."""
        is_wanted = exchange.service in self._services or not exchange.service
        if not is_wanted or exchange not in self._live:
            return None
        extra = self._maker.extra_of(exchange)
        extra.keeps_content = True
        return extra

    def exchange_ended(self, exchange: Exchange) -> None:
        """What is kept is finished when the record is made."""

    def _feed(self, extra: Extra, kept: BodyKeeper, data: bytes, before: int) -> None:
        """`before`: bytes that were counted for it."""
        kept.feed(data)
        if kept.held != before:
            self._store.grew(extra, kept.held - before)

    def tunnel_opened(self, exchange: Exchange) -> None:
        """What was agreed on for its messages stands in the head, which it still has."""
        extra = self._extras.get(exchange) or self._begin(exchange)
        if extra is not None:
            self._sockets(exchange, extra)

    def _sockets(self, exchange: Exchange, extra: Extra) -> Sockets:
        if extra.sockets is None:
            fields = _answer_fields(exchange)
            extra.sockets = Sockets(fields, self._redactor, self._at_most, self._clock)
            self._store.grew(extra, extra.sockets.held)
        return extra.sockets

    def _message(self, exchange: Exchange, extra: Extra, way: Direction, data: bytes) -> None:
        sockets = self._sockets(exchange, extra)
        before = sockets.held
        sockets.feed(way, data)
        extra.changes += 1
        self._store.grew(extra, sockets.held - before)

    def _nature(self, fields: Sequence[Field]) -> BodyType:
        """Of what repeats it is known, by a hash: nothing of a head is remembered here."""
        if not isinstance(fields, Fields):
            return nature_of(fields)
        key = hash(fields.block)
        found = self._natures.get(key)
        if found is None:
            if len(self._natures) >= REMEMBERED:
                self._natures.clear()
            found = self._natures[key] = nature_of(fields)
        return found

    def _keeper(
        self, exchange: Exchange, fields: Sequence[Field], *, is_request: bool
    ) -> BodyKeeper:
        nature = self._nature(fields)
        if nature.form == "none":
            return DescribedBody(nature)
        if nature.form == "events":
            return Events(nature, self._redactor, self._at_most, self._clock)
        if nature.form == "grpc":
            return self._grpc_messages(exchange, fields, nature, is_request=is_request)
        return WholeBody(nature, self._redactor, self._at_most)

    def _grpc_messages(
        self, exchange: Exchange, fields: Sequence[Field], nature: BodyType, *, is_request: bool
    ) -> GrpcMessages:
        def read(message: bytes) -> str:
            return self._texts.read(
                exchange.service, exchange.head.target, message, is_request=is_request
            )

        encoding = next((value for name, value, _ in fields if name == b"grpc-encoding"), b"")
        return GrpcMessages(
            nature, self._at_most, self._clock, encoding.decode("latin-1")[:40], read
        )

    def __repr__(self) -> str:
        return f"<ContentObserver of {len(self._services)} services>"


def _answer_fields(exchange: Exchange) -> Sequence[Field]:
    """As the service said them, or we."""
    if exchange.answer is None:
        return ()
    came, sent = exchange.answer
    return read_written(sent).headers if came is None else came.headers
