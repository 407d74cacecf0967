"""Server-sent events of the admin listener, as they come from its socket."""

import json
import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from authproxy.commands.status_request import connect, request_for
from authproxy.values import Listen

CONNECT_S = 3.0
QUIET_S = 30.0
"""The listener says something every ten seconds; after this it is taken for dead."""
MAX_BUFFER = 16 * 1024 * 1024


class OutputGoneError(Exception):
    """The end of whoever read what we print."""


@dataclass(frozen=True, slots=True)
class ListEvent:
    name: str
    data: dict[str, Any]


class EventParser:
    """From pieces of an answer's bytes to its status and events."""

    def __init__(self) -> None:
        self._buffer = b""
        self._in_head = True
        self.status: int | None = None
        """None until the head is there, 0 for what is no HTTP."""

    def feed(self, piece: bytes) -> list[ListEvent]:
        """Raises ConnectionError for what no authproxy says."""
        self._buffer += piece
        if len(self._buffer) > MAX_BUFFER:
            raise ConnectionError("an event without an end")
        if self._in_head:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return []
            number = head[9:12]
            self.status = int(number) if head[:7] == b"HTTP/1." and number.isdigit() else 0
            self._in_head, self._buffer = False, rest
        *blocks, self._buffer = self._buffer.split(b"\n\n")
        return [event for block in blocks if (event := _event(block)) is not None]


def _event(block: bytes) -> ListEvent | None:
    """None for a comment, which only says that the listener lives."""
    fields = dict(
        line.partition(": ")[::2] for line in block.decode("utf-8", "replace").split("\n")
    )
    if "data" not in fields:
        return None
    try:
        data = json.loads(fields["data"])
    except (ValueError, RecursionError):
        raise ConnectionError("an event that is no JSON") from None
    if not isinstance(data, dict):
        raise ConnectionError("an event that is no JSON object")
    return ListEvent(fields.get("event", "message"), data)


def read_events(
    listen: Listen, target: str, *, key: str, output: int, quiet_s: float = QUIET_S
) -> Iterator[ListEvent]:
    """Ends when the listener ends it. `output`: where we print; that its reader has gone is noticed
    while nothing comes, too.

    Raises OSError where nobody answers any more, OutputGoneError, and ConnectionError for an answer
    without events.
    """
    parser = EventParser()
    with connect(listen, CONNECT_S) as connection:
        # After 1.0 the body comes as it is, without chunks around it.
        connection.sendall(request_for(target, "localhost", key, version="1.0"))
        while True:
            _wait(connection, output, quiet_s)
            piece = connection.recv(65536)
            if not piece:
                return
            events = parser.feed(piece)
            if parser.status not in (None, 200):
                raise ConnectionError(f"the answer is {parser.status}")
            yield from events


def _wait(connection: socket.socket, output: int, quiet_s: float) -> None:
    """Until there is something to read."""
    if not _poll(output, quiet_s, connection):
        raise TimeoutError("nothing came for too long")


def pause(output: int, seconds: float) -> None:
    """Raises OutputGoneError as soon as nobody reads any more what we print."""
    _poll(output, seconds)


def _poll(output: int, seconds: float, connection: socket.socket | None = None) -> bool:
    """Whether there is something to read."""
    poll = select.poll()
    poll.register(output, 0)
    if connection is not None:
        poll.register(connection, select.POLLIN)
    ready = dict(poll.poll(seconds * 1000))
    if ready.get(output, 0) & (select.POLLERR | select.POLLHUP):
        raise OutputGoneError
    return bool(ready)
