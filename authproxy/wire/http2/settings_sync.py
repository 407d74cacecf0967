"""Record of the SETTINGS that each side has sent, and of those the other has acknowledged.

They pass from end to end, and so do their confirmations: by them both ends know from where on the
other keeps to the new values (RFC 9113 6.5.3). Two are our own. Ours to the client come first, say
nothing, and their confirmation stays here. And as long as no call has said which service it is,
we confirm what the client says at once: whatever service it will be hears that before all else.
"""

from collections import deque

from authproxy.wire.http2.framing.frames import ACK, SETTINGS, ConnectionFault, Failure, frame
from authproxy.wire.http2.framing.settings import (
    HEADER_TABLE_SIZE,
    MAX_TABLE,
    NO_PUSH,
    passing_settings,
    read_settings,
)
from authproxy.wire.http2.interfaces import Between

MAX_UNCONFIRMED = 100
"""SETTINGS that one side may leave unconfirmed; we note something for each."""


class Agreement:
    """SETTINGS of one connection, in both directions."""

    __slots__ = (
        "_confirmed_early",
        "_has_begun",
        "_is_greeted",
        "_of_client",
        "_of_service",
        "_splice",
    )

    def __init__(self, splice: Between) -> None:
        self._splice = splice
        # What they say about the size of tables, oldest first; the first are our own, which say
        # nothing.
        self._of_service: deque[int | None] = deque([None])
        self._of_client: deque[int | None] = deque()
        self._confirmed_early = 0
        """Confirmations that the service has yet to send and the client has got from us."""
        self._has_begun = False
        """The client's first SETTINGS have come."""
        self._is_greeted = False
        """The client has confirmed our own."""

    def client_says(self, flags: int, payload: bytes) -> bytes | None:
        """A SETTINGS frame of the client's, and what the service gets."""
        if flags & ACK:
            return self._client_confirms()
        settings = read_settings(payload, of_service=False)
        self._splice.client_settings(settings)
        table = _table_size(settings)
        if self._splice.upstream is None:
            self._confirmed_early += 1
            self._splice.to_client(frame(SETTINGS, ACK, 0))
            self._apply(table)
        else:
            _note(self._of_client, table)
        passing = passing_settings(payload)
        if not self._has_begun:
            self._has_begun = True
            passing += NO_PUSH
        return frame(SETTINGS, 0, 0, passing)

    def service_says(self, flags: int, payload: bytes) -> bytes | None:
        """A SETTINGS frame of the service's, and what the client gets."""
        if flags & ACK:
            return self._service_confirms()
        settings = read_settings(payload, of_service=True)
        self._splice.service_settings(settings)
        _note(self._of_service, _table_size(settings))
        return frame(SETTINGS, 0, 0, passing_settings(payload))

    def _client_confirms(self) -> bytes | None:
        if not self._of_service:
            raise ConnectionFault(
                Failure.PROTOCOL_ERROR, "an acknowledgement of settings that were not sent"
            )
        table = self._of_service.popleft()
        if not self._is_greeted:
            self._is_greeted = True
            return b""
        if table is not None:
            self._splice.requests.allow_table(table)
        return None

    def _service_confirms(self) -> bytes | None:
        if self._confirmed_early:
            self._confirmed_early -= 1
            return b""
        if not self._of_client:
            raise ConnectionFault(
                Failure.PROTOCOL_ERROR, "an acknowledgement of settings that were not sent"
            )
        self._apply(self._of_client.popleft())
        return None

    def _apply(self, table: int | None) -> None:
        if table is not None:
            self._splice.answers.allow_table(table)


def _table_size(settings: dict[int, int]) -> int | None:
    size = settings.get(HEADER_TABLE_SIZE)
    return None if size is None else min(size, MAX_TABLE)


def _note(waiting: deque[int | None], table: int | None) -> None:
    waiting.append(table)
    if len(waiting) > MAX_UNCONFIRMED:
        raise ConnectionFault(Failure.ENHANCE_YOUR_CALM, "too many settings are not acknowledged")
