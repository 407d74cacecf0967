"""One request over HTTP/2, for replays of calls that came so."""

import asyncio
from collections.abc import Sequence

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import ProtocolError

STREAM = 1
AT_ONCE = 64 * 1024


class Http2Call:
    """On a connection of its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        # What the answer says is for whoever asks, as it comes.
        configuration = H2Configuration(validate_inbound_headers=False, header_encoding=None)
        self._connection = H2Connection(configuration)
        self._unsent = b""
        self._status = 0
        self._is_over = False

    async def send(self, fields: Sequence[tuple[bytes, bytes]], body: bytes) -> int:
        """The final status that comes; 0 when it was taken back before. Raises OSError."""
        try:
            self._connection.initiate_connection()
            self._connection.send_headers(STREAM, fields, end_stream=not body)
            self._unsent = body
            self._send_more()
        except ProtocolError as error:
            raise ConnectionError(str(error)) from None
        while not self._status and not self._is_over:
            await self._read()
        return self._status

    async def read_rest(self) -> None:
        """Until the answer ends. Raises OSError."""
        while not self._is_over:
            await self._read()

    async def _read(self) -> None:
        data = await self._reader.read(AT_ONCE)
        if not data:
            raise ConnectionError("it hung up")
        try:
            for event in self._connection.receive_data(data):
                self._hear(event)
            self._send_more()
        except ProtocolError as error:
            raise ConnectionError(str(error)) from None
        await self._writer.drain()

    def _hear(self, event: Event) -> None:
        if isinstance(event, ResponseReceived):
            self._status = next(
                (int(value) for name, value in event.headers if bytes(name) == b":status"), 0
            )
        elif isinstance(event, DataReceived):
            self._connection.acknowledge_received_data(event.flow_controlled_length, STREAM)
        elif isinstance(event, StreamEnded | StreamReset | ConnectionTerminated):
            self._is_over = True

    def _send_more(self) -> None:
        """As much of the body as the other side has room for."""
        connection = self._connection
        while self._unsent and not self._is_over:
            room = connection.local_flow_control_window(STREAM)
            step = min(room, connection.max_outbound_frame_size, len(self._unsent))
            if step <= 0:
                break
            piece, self._unsent = self._unsent[:step], self._unsent[step:]
            connection.send_data(STREAM, piece, end_stream=not self._unsent)
        self._writer.write(connection.data_to_send())
