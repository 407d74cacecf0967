"""The open calls of one connection, and how each of them ends."""

import asyncio
from typing import TYPE_CHECKING

from authproxy.errors import AuthProxyError, Code
from authproxy.exchange import Opening
from authproxy.wire.http2 import call_refusals
from authproxy.wire.http2.framing.frames import (
    DATA,
    END_STREAM,
    STREAM_MASK,
    ConnectionFault,
    Failure,
    begin_with,
    frame,
    rst_stream,
    window_update,
)
from authproxy.wire.http2.framing.scanner import Scanner
from authproxy.wire.http2.interfaces import Between
from authproxy.wire.http2.own_content import OwnContent
from authproxy.wire.http2.replies import render, render_end
from authproxy.wire.http2.streams import Stream
from authproxy.wire.http2.teller import Teller, own_answer
from authproxy.wire.recorder import Recorder
from authproxy.wire.relay.timeouts import find_overdue

if TYPE_CHECKING:
    from authproxy.settings import TimeoutSettings

MAX_REFUSED = 4096
"""Streams that we ended ourselves and still know of."""
MAX_UNREAD = 1024 * 1024
"""Bytes that a client leaves unread before it is cut off, should we have to add our own to them."""

QUIET_S = 0.2
"""Silence after which a stream of events is taken to be between two of them."""


class Calls:
    """Open calls of a connection, by number of the stream."""

    __slots__ = ("_note_end", "_splice", "own", "refused", "streams", "taken_back", "teller")

    def __init__(self, splice: Between) -> None:
        self._splice = splice
        self.streams: dict[int, Stream] = {}
        self.refused: dict[int, None] = {}
        """Streams that we ended ourselves, oldest first; what still comes for them is dropped."""
        self.taken_back: dict[int, None] = {}
        """Streams that the client has reset, oldest first."""
        self.own = OwnContent(splice.to_client)
        recorder = splice.server.recorder
        self.teller = Teller(recorder, self.streams) if recorder.is_asked else None
        """None: no observer asks for what it tells."""
        self._note_end = recorder.ended if self.teller is None else self.teller.ended

    def listen(self, up: Scanner, down: Scanner) -> None:
        """Let observers hear what these let pass, if they ask."""
        if self.teller is not None:
            self.teller.listen(up, down)

    def connected(self, opening: Opening) -> None:
        """The connection to the service stands: what was written for it goes out."""
        for stream in self.streams.values():
            self._splice.server.recorder.connected(stream.exchange)
        if self.teller is not None:
            self.teller.connected(opening)

    def client_ended(self, stream_id: int, stream: Stream) -> None:
        """The client has said all that it will."""
        stream.client_ended = True
        if stream.service_ended:
            self.ended(stream_id, stream)

    def service_ended(self, stream_id: int, stream: Stream) -> None:
        """The service has said all that it will."""
        stream.service_ended = True
        if stream.client_ended:
            self.ended(stream_id, stream)

    def ended(self, stream_id: int, stream: Stream) -> None:
        """The exchange is over."""
        del self.streams[stream_id]
        splice = self._splice
        splice.rest_s = 0.0
        self._note_end(stream.exchange, stream.received_bytes, stream.answer_bytes)
        if splice.is_draining and not self.streams:
            asyncio.get_running_loop().call_soon(splice.finish)

    def refuse(self, stream_id: int, stream: Stream, error: AuthProxyError) -> None:
        """Answer by ourselves; nothing of the service's answer has been sent."""
        exchange, splice = stream.exchange, self._splice
        recorder = splice.server.recorder
        recorder.refused(exchange, error)
        if recorder.heads or recorder.answer_pieces:
            recorder.own_answer(exchange, *own_answer(error, exchange, cors=stream.cors))
        frames, counted = render(
            error,
            exchange.head,
            exchange.request_id,
            stream_id=stream_id,
            cors=stream.cors,
        )
        stream.answer_bytes = counted
        end = b""
        if error.code is Code.BAD_REQUEST:
            # RFC 9113 8.1.1: an answer may come before it, but a malformed request is an error.
            end = rst_stream(stream_id, Failure.PROTOCOL_ERROR)
        elif not stream.client_ended:
            end = rst_stream(stream_id, Failure.NO_ERROR)
        frames = begin_with(splice.answers.take_due_update(), frames)
        is_said = self.own.say(stream_id, frames, counted, end)
        self.forget(stream_id)
        self.ended(stream_id, stream)
        if not is_said or splice.unread_bytes > MAX_UNREAD:
            splice.cut()

    def fail(self, stream_id: int, stream: Stream, error: AuthProxyError) -> None:
        """Refuse if the answer has not begun; else let the client know that it is not whole."""
        if not stream.is_answered:
            self.refuse(stream_id, stream, error)
            return
        exchange = stream.exchange
        told = stream.service_ended
        if not told:
            self._splice.server.recorder.broke_off(exchange, error)
            told = self._tell_end(stream_id, stream, error)
        if not told or not stream.client_ended:
            failure = Failure.NO_ERROR if told else Failure.INTERNAL_ERROR
            self._splice.to_client(rst_stream(stream_id, failure))
        self.forget(stream_id)
        self.ended(stream_id, stream)

    def _tell_end(self, stream_id: int, stream: Stream, error: AuthProxyError) -> bool:
        """A reset has no words. Does the client's protocol have some for how this call ended?"""
        frames, counted = render_end(
            error,
            stream.exchange.head,
            stream.exchange.request_id,
            stream_id=stream_id,
            is_empty=not stream.answer_bytes,
        )
        self.own.window -= counted
        self.own.sent += counted
        if frames:
            self._splice.to_client(begin_with(self._splice.answers.take_due_update(), frames))
        return bool(frames)

    def break_off(self, stream_id: int, stream: Stream, fault: str, failure: Failure) -> None:
        """The client's request is not valid (RFC 9113 8.1.1); part of it may have passed."""
        exchange, splice = stream.exchange, self._splice
        splice.server.recorder.left(exchange, "client")
        splice.guard.note_reset()
        splice.to_service(rst_stream(stream_id, Failure.CANCEL))
        if not stream.is_answered:
            self.refuse(stream_id, stream, call_refusals.malformed_request(fault))
            return
        splice.server.recorder.malformed(exchange, fault)
        splice.to_client(rst_stream(stream_id, failure))
        self.forget(stream_id)
        self.ended(stream_id, stream)

    def fail_all(self, error: AuthProxyError, *, last_taken_id: int) -> None:
        """The service is gone. What it said that it would not take, may be tried elsewhere."""
        for stream_id, stream in list(self.streams.items()):
            if stream_id > last_taken_id:
                self._splice.server.recorder.left(stream.exchange, "service")
                self._splice.to_client(rst_stream(stream_id, Failure.REFUSED_STREAM))
                self.forget(stream_id)
                self.ended(stream_id, stream)
            else:
                self.fail(stream_id, stream, error)

    def drop_all(self, fault: ConnectionFault | None = None) -> None:
        """The client is gone, or was sent away for `fault`."""
        recorder = self._splice.server.recorder
        for stream in self.streams.values():
            note_end(recorder, stream, fault)
            recorder.ended(stream.exchange, stream.received_bytes, stream.answer_bytes)
        self.streams.clear()
        if self.teller is not None:
            self.teller.closed()

    def end_event_streams(self) -> None:
        """End those in good order on which nothing moves: authproxy ends.

        What their frames hold is not looked at. After a pause it ends with an event, as far as
        anybody can tell, and of half an event clients take no notice.
        """
        for stream_id, stream in list(self.streams.items()):
            if stream.is_event_stream and stream.silent_s >= QUIET_S:
                self._splice.server.recorder.left(stream.exchange, "authproxy")
                self._splice.to_client(frame(DATA, END_STREAM, stream_id))
                if not stream.client_ended:
                    self._splice.to_client(rst_stream(stream_id, Failure.NO_ERROR))
                self._splice.to_service(rst_stream(stream_id, Failure.CANCEL))
                self.forget(stream_id)
                self.ended(stream_id, stream)

    def forget(self, stream_id: int) -> None:
        """We end this stream ourselves, or the service does: the client may still send for it."""
        _remember(self.refused, stream_id)

    def take_back(self, stream_id: int, stream: Stream) -> None:
        """The client ends this stream: the service may still send for it."""
        _remember(self.taken_back, stream_id)
        self.ended(stream_id, stream)

    def give_back(self, payload: bytes) -> bytes | None:
        """A WINDOW_UPDATE for the connection, less what our own DATA used: that was never taken
        from the service."""
        increment = int.from_bytes(payload, "big") & STREAM_MASK
        self.own.grow(0, increment)
        if not self.own.sent:
            return None
        paid = min(increment, self.own.sent)
        self.own.sent -= paid
        return window_update(0, increment - paid) if increment > paid else b""

    def tick(self, seconds: float, timeouts: "TimeoutSettings", *, last_sent_id: int) -> None:
        """Time passed; give up where nothing moved for too long."""
        for stream_id, stream in list(self.streams.items()):
            stream.silent_s += seconds
            stream.age_s += seconds
            error = find_overdue(
                timeouts,
                age_s=stream.age_s,
                silent_s=stream.silent_s,
                waits_for_answer=stream.waits_for_answer,
            )
            if error is None:
                continue
            if stream_id <= last_sent_id:
                self._splice.to_service(rst_stream(stream_id, Failure.CANCEL))
            self.fail(stream_id, stream, error)

    def __repr__(self) -> str:
        return f"<Calls [{len(self.streams)} open]>"


def _remember(streams: dict[int, None], stream_id: int) -> None:
    streams[stream_id] = None
    if len(streams) > MAX_REFUSED:
        del streams[next(iter(streams))]


def note_end(recorder: Recorder, stream: Stream, fault: ConnectionFault | None) -> None:
    """The client's connection ended under this call, by its own doing if there is a `fault`."""
    if stream.service_ended and stream.is_answered:
        return  # it had the whole answer
    if fault is not None:
        recorder.malformed(stream.exchange, fault.reason)
    else:
        recorder.left(stream.exchange, "client")
