"""Hears of exchanges, and hands them over when they have ended."""

from collections.abc import Callable, Sequence

from authproxy.exchange import Exchange, Field
from authproxy.inspector.recording.record_maker import REPLAY
from authproxy.inspector.recording.store import Store


class RecordingObserver:
    """An Observer. What an exchange has said is made a record of before anything else happens, so
    nothing of it waits here as it was said."""

    wants_heads = True
    wants_times = True
    names_to_send = frozenset({REPLAY})
    """It sends nothing: so the mark of a replay over HTTP/2 goes no further than to us."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.exchange_begun: Callable[[Exchange], object] = store.live.add
        self.tunnel_opened: Callable[[Exchange], None] = store.tunnel_opened
        self.exchange_ended: Callable[[Exchange], None] = store.keep

    def answer_trailers(self, exchange: Exchange, fields: Sequence[Field]) -> None:
        self._store.note_trailers(exchange, fields)

    def __repr__(self) -> str:
        return f"<RecordingObserver into {self._store}>"
