"""The open calls of one connection, and how each of them ends."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from authproxy.errors import AuthProxyError, Code
from authproxy.policy.mcp.forms import Form
from authproxy.policy.messages.http2.answer_validity import NO_LENGTH
from authproxy.times import Opening
from authproxy.wire import refusals
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
)
from authproxy.wire.http2.framing.scanner import Scanner
from authproxy.wire.http2.headers.response_blocks import ResponseBlock
from authproxy.wire.http2.interfaces import Between
from authproxy.wire.http2.own_content import OwnContent
from authproxy.wire.http2.replies import render, render_end
from authproxy.wire.http2.streams import Stream, is_event_stream
from authproxy.wire.http2.teller import Teller, own_answer
from authproxy.wire.mcp.http2_calls import McpCalls, WaitState
from authproxy.wire.mcp.refusing import NOT_WAITED_WITH, form_of
from authproxy.wire.recorder import Recorder, Who
from authproxy.wire.relay.timeouts import find_overdue

if TYPE_CHECKING:
    from authproxy.settings import TimeoutSettings

MAX_REFUSED: Final = 4096
"""Streams that we ended ourselves and still know of."""
MAX_UNREAD: Final = 1024 * 1024
"""Bytes that a client leaves unread before it is cut off, should we have to add our own to them."""

QUIET_S: Final = 0.2
"""Silence after which a stream of events is taken to be between two of them."""


class Calls:
    """Open calls of a connection, by number of the stream."""

    __slots__ = (
        "_note_end",
        "_splice",
        "is_draining",
        "last_taken_id",
        "mcp",
        "own",
        "recorder",
        "refused",
        "rest_s",
        "streams",
        "taken_back",
        "teller",
    )

    def __init__(self, splice: Between) -> None:
        self._splice = splice
        self.streams: dict[int, Stream] = {}
        self.refused: dict[int, None] = {}
        """Streams that we ended ourselves, oldest first; what still comes for them is dropped."""
        self.taken_back: dict[int, None] = {}
        """Streams that the client has reset, oldest first."""
        self.is_draining = splice.server.draining
        """There will be no more."""
        self.rest_s = 0.0
        """Seconds since the last one ended."""
        self.last_taken_id = STREAM_MASK
        """The highest stream that the service will answer, after its GOAWAY."""
        self.own = OwnContent(splice.to_client)
        self.recorder = recorder = splice.server.recorder
        self.teller = Teller(recorder, self.streams) if recorder.is_asked else None
        """None: no observer asks for what it tells."""
        self.mcp = McpCalls()
        self._note_end = recorder.ended if self.teller is None else self.teller.ended

    def listen(self, up: Scanner, down: Scanner) -> None:
        """Let observers hear what these let pass, if they ask."""
        self.mcp.attach(up, down)
        if self.teller is not None:
            self.teller.listen(up, down)

    def follow(self, stream_id: int, stream: Stream, head: ResponseBlock) -> None:
        """The answer begins; if its events shall bring a response, see whether they do."""
        upstream, can_read = self._splice.upstream, stream.answer_length == NO_LENGTH
        if upstream is None or not (upstream.mcp and can_read):
            return
        if is_event_stream(head) and not head.find(b"content-encoding"):
            self.mcp.follow(stream.exchange, stream_id)

    def connected(self, opening: Opening) -> None:
        """The connection to the service stands: what was written for it goes out."""
        for stream in self.streams.values():
            self.recorder.connected(stream.exchange)
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
        if self.mcp.kept:
            self.mcp.drop(stream_id)
        self.rest_s = 0.0
        self._note_end(stream.exchange, stream.received_bytes, stream.answer_bytes)
        if self.is_draining and not self.streams:
            asyncio.get_running_loop().call_soon(self._splice.finish)

    def refuse(self, stream_id: int, stream: Stream, error: AuthProxyError) -> None:
        """Answer by ourselves; nothing of the service's answer has been sent."""
        admission = stream.admission
        is_on = self._splice.caller.tells_mcp if admission is None else admission.service.mcp
        form = form_of(error, stream.exchange, is_on=is_on)
        say = partial(self._say, stream_id, stream, error, form)
        if self.mcp.wait(stream_id, form, error, say):
            # Until then it is closed for everybody else.
            del self.streams[stream_id]
            self.forget(stream_id)
        else:
            say(None)

    def _say(
        self,
        stream_id: int,
        stream: Stream,
        error: AuthProxyError,
        form: Form | None,
        waited: WaitState | None,
    ) -> None:
        """`waited`: how that for the rest of the request has ended, if it was waited for."""
        exchange, splice = stream.exchange, self._splice
        recorder = self.recorder
        if waited is not None:
            self.streams[stream_id] = stream
            stream.client_ended |= waited is WaitState.WHOLE
        if waited is WaitState.TAKEN_BACK:
            recorder.left(exchange, "client")
            self.ended(stream_id, stream)
            return
        telling = self.mcp.telling(exchange, stream_id, form)
        recorder.refused(exchange, error)
        if recorder.heads or recorder.answer_pieces:
            told = own_answer(error, exchange, cors=stream.cors, telling=telling)
            recorder.own_answer(exchange, *told)
        frames, counted = render(
            error,
            exchange.head,
            exchange.request_id,
            stream_id=stream_id,
            cors=stream.cors,
            telling=telling,
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
            self.recorder.broke_off(exchange, error)
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
        if not frames:
            room, exchange = self.own.window, stream.exchange
            frames, counted = self.mcp.last_events(stream_id, error, exchange, room=room)
        self.own.window -= counted
        self.own.sent += counted
        if frames:
            self._splice.to_client(begin_with(self._splice.answers.take_due_update(), frames))
        return bool(frames)

    def reset_by_service(self, stream_id: int, stream: Stream, why: str) -> bytes | None:
        """The service has reset this stream. What its client gets instead; None: the reset."""
        error, room = refusals.service_gone(why), self.own.window
        said, counted = self.mcp.last_events(stream_id, error, stream.exchange, room=room)
        self.own.window -= counted
        self.own.sent += counted
        return said or None

    def break_off(self, stream_id: int, stream: Stream, fault: str, failure: Failure) -> None:
        """The client's request is not valid (RFC 9113 8.1.1); part of it may have passed."""
        exchange, splice = stream.exchange, self._splice
        self.recorder.left(exchange, "client")
        splice.guard.note_reset()
        splice.to_service(rst_stream(stream_id, Failure.CANCEL))
        if not stream.is_answered:
            self.refuse(stream_id, stream, call_refusals.malformed_request(fault))
            return
        self.recorder.malformed(exchange, fault)
        splice.to_client(rst_stream(stream_id, failure))
        self.forget(stream_id)
        self.ended(stream_id, stream)

    def fail_all(self, error: AuthProxyError) -> None:
        """The service is gone. What it said that it would not take, may be tried elsewhere."""
        if error.code in NOT_WAITED_WITH:
            self.mcp.end_waits(WaitState.LONG_ENOUGH)
        for stream_id, stream in list(self.streams.items()):
            if stream_id > self.last_taken_id:
                turn_away(self, self._splice, stream_id, "service")
            else:
                self.fail(stream_id, stream, error)

    def drop_all(self, fault: ConnectionFault | None = None) -> None:
        """The client is gone, or was sent away for `fault`."""
        self.mcp.end_waits(WaitState.TAKEN_BACK)
        for stream in self.streams.values():
            note_end(self.recorder, stream, fault)
            self.recorder.ended(stream.exchange, stream.received_bytes, stream.answer_bytes)
        self.streams.clear()
        if self.teller is not None:
            self.teller.closed()

    def forget(self, stream_id: int) -> None:
        """We end this stream ourselves, or the service does: the client may still send for it."""
        _remember(self.refused, stream_id)

    def take_back(self, stream_id: int, stream: Stream) -> None:
        """The client ends this stream: the service may still send for it."""
        _remember(self.taken_back, stream_id)
        self.ended(stream_id, stream)

    def tick(self, seconds: float, timeouts: "TimeoutSettings", *, last_sent_id: int) -> None:
        """Time passed; give up where nothing moved for too long."""
        self.mcp.tick(seconds)
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


def end_event_streams(calls: Calls, splice: Between) -> None:
    """End those in good order on which nothing moves: authproxy ends.

    What their frames hold is not looked at. After a pause it ends with an event, as far as anybody
    can tell, and of half an event clients take no notice.
    """
    calls.mcp.end_waits(WaitState.LONG_ENOUGH)
    for stream_id, stream in list(calls.streams.items()):
        if calls.mcp.listens(stream_id):
            splice.to_service(rst_stream(stream_id, Failure.CANCEL))
            calls.fail(stream_id, stream, refusals.shutting_down())
        elif stream.is_event_stream and stream.silent_s >= QUIET_S:
            calls.recorder.left(stream.exchange, "authproxy")
            splice.to_client(frame(DATA, END_STREAM, stream_id))
            if not stream.client_ended:
                splice.to_client(rst_stream(stream_id, Failure.NO_ERROR))
            splice.to_service(rst_stream(stream_id, Failure.CANCEL))
            calls.forget(stream_id)
            calls.ended(stream_id, stream)


def turn_away(calls: Calls, splice: Between, stream_id: int, who: Who) -> None:
    """End a call for which nothing was done; the client tries it elsewhere (RFC 9113 8.7). `who`:
    whose doing that is."""
    stream = calls.streams[stream_id]
    calls.recorder.left(stream.exchange, who)
    splice.to_client(rst_stream(stream_id, Failure.REFUSED_STREAM))
    calls.forget(stream_id)
    calls.ended(stream_id, stream)


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
