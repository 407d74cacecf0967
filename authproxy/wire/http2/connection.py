"""One HTTP/2 connection of a client, put through to one connection to a service.

Frames pass in both directions as they came, streams keep their numbers, so flow control, settings
and pings are between the two ends; see `requests` and `responses` for what is looked at on the way.
The first call decides which service it is. No more is read until the connection to it is open.
"""

import asyncio
from typing import Final

from authproxy.errors import AuthProxyError
from authproxy.policy.messages.http2.call import Call
from authproxy.settings import TimeoutSettings
from authproxy.times import Opening
from authproxy.wire import refusals
from authproxy.wire.admission.admission import Admission
from authproxy.wire.admission.admit import admit
from authproxy.wire.admission.caller import Caller
from authproxy.wire.http2 import call_refusals, service_link
from authproxy.wire.http2.calls import Calls, end_event_streams
from authproxy.wire.http2.endpoints import ClientEnd
from authproxy.wire.http2.framing.flood_guard import Guard
from authproxy.wire.http2.framing.frames import (
    PREFACE,
    SETTINGS,
    ConnectionFault,
    Failure,
    frame,
    goaway,
)
from authproxy.wire.http2.framing.settings import INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE
from authproxy.wire.http2.lanes import ALL, CONGESTED, CONNECTING, TOKEN, UNREAD, Lane
from authproxy.wire.http2.requests import Requests
from authproxy.wire.http2.responses import Answers
from authproxy.wire.http2.service_link import ServiceLink
from authproxy.wire.http2.settings_sync import Agreement
from authproxy.wire.relay.interfaces import Server
from authproxy.wire.status import Kind
from authproxy.wire.transport import reset
from authproxy.wire.upstream.upstream import Upstream

MAX_EARLY: Final = 64 * 1024
"""Bytes kept for a service that no call has named yet."""


class Splice:
    """Both ends and what is between them, as the server sees it: something open."""

    def __init__(self, server: Server, caller: Caller, transport: asyncio.Transport) -> None:
        self.server = server
        self.caller = caller
        self.calls = Calls(self)
        self.guard = Guard()
        self.agreement = Agreement(self)
        self._client = ClientEnd(self, transport)
        self.link = ServiceLink(self, server.loops)
        self.requests = Requests(self, self.calls, self.agreement)
        self.answers = Answers(self, self.calls, self.agreement)
        size = server.limits.head_bytes
        # Up to twice what is allowed a call can still be told that it is too large.
        self.up = Lane(self.requests, max_block=2 * size)
        self.down = Lane(self.answers, max_block=size)
        self.calls.listen(self.up.scanner, self.down.scanner)
        self.up.holds.attach(transport)
        self.down.sink = transport
        self.up.out.append(PREFACE)
        self.is_over = False
        self._waiting_s = 0.0

    def start(self, data: bytes) -> None:
        """Take the transport over; `data` begins with HTTP/2's preface."""
        self.server.opened(self, self.caller.address)
        self._client.transport.set_protocol(self._client)
        # grpcio waits for settings before it calls, and only a call tells which service it is.
        self.down.out.append(frame(SETTINGS, 0, 0))
        self.from_client(data[len(PREFACE) :])

    # What the ends tell.

    def from_client(self, data: bytes) -> None:
        while not self.is_over:
            try:
                self.up.scanner.feed(data)
            except ConnectionFault as fault:
                self._client_broke(fault)
                return
            if self.link.upstream is None and sum(map(len, self.up.out)) > MAX_EARLY:
                self._client_broke(call_refusals.much_but_no_call())
                return
            self.flush()
            if not self.up.stops or self.up.stays(self.down):
                return
            data = b""

    def from_service(self, data: bytes) -> None:
        while not self.is_over:
            try:
                self.down.scanner.feed(data)
            except ConnectionFault as fault:
                self.up.close(goaway(0, fault.failure, fault.reason))
                self.give_up(self.link.broke(fault.reason, data))
                return
            self.flush()
            if not self.down.stops or self.down.stays(self.up):
                return
            data = b""

    def client_congested(self, on: bool) -> None:
        self.down.holds.set(CONGESTED, on)
        if not on and self.up.stops:
            self.from_client(b"")

    def service_congested(self, on: bool) -> None:
        self.up.holds.set(CONGESTED, on)
        if not on and self.down.stops:
            self.from_service(b"")

    def client_gone(self) -> None:
        self.calls.drop_all()
        self.is_over = True
        self.server.closed(self)
        self.up.sink = None
        self.down.holds.detach()
        self.link.let_go()

    def service_gone(self, reason: str) -> None:
        self.give_up(self.link.gone(reason))

    def connected(self, transport: asyncio.Transport, opening: Opening) -> None:
        self.up.sink = transport
        self.down.holds.attach(transport)
        self.up.holds.set(CONNECTING, False)
        self.calls.connected(opening)
        self.flush()

    # What the receivers find.

    @property
    def upstream(self) -> Upstream | None:
        """The service, once a call has said which; it is connected or will be."""
        return self.link.upstream

    @property
    def unread_bytes(self) -> int:
        """What the client has been sent, or will be, and has not taken."""
        return self.down.unsent_bytes

    def admit(self, call: Call) -> Admission:
        """Where a call goes. Raises NotAdmitted."""
        found = admit(self.caller, call.head, call.facts)
        upstream = found.service
        chosen = self.link.upstream
        if chosen is None:
            self.up.holds.set(CONNECTING, True)
            self.link.choose(upstream)
        elif upstream is not chosen and not self.link.follow(upstream):
            raise service_link.elsewhere(self, found)
        return found

    def stop_looking(self) -> None:
        """Look at nothing more from the client until there is a token."""
        self.up.stop(TOKEN)

    def go_on(self, frames: bytes) -> None:
        """Send `frames`, the call that waited, and look at what came of the client meanwhile."""
        if frames:
            self.up.out.append(frames)
        self.up.go_on(TOKEN)
        self.up.keep()
        self.from_client(b"")

    def to_client(self, frames: bytes) -> None:
        """Send frames of our own."""
        self.down.insert(frames)
        if self.down.is_full:
            self.up.stop(UNREAD)

    def to_service(self, frames: bytes) -> None:
        """Send frames of our own."""
        self.up.insert(frames)
        if self.up.is_full:
            self.down.stop(UNREAD)

    def client_settings(self, settings: dict[int, int]) -> None:
        self.down.scanner.take_frames_of(settings.get(MAX_FRAME_SIZE, 0))
        if INITIAL_WINDOW_SIZE in settings:
            self.calls.own.set_initial(settings[INITIAL_WINDOW_SIZE])

    def service_settings(self, settings: dict[int, int]) -> None:
        self.link.has_spoken = True
        self.up.scanner.take_frames_of(settings.get(MAX_FRAME_SIZE, 0))

    # What the server asks for.

    kind: Kind = "http2"

    @property
    def idle_s(self) -> float:
        """For how long no call has been in flight."""
        return 0.0 if self.calls.streams or self.is_over else self.calls.rest_s

    def tick(self, seconds: float, timeouts: TimeoutSettings) -> None:
        service_link.tick(self, seconds)
        if self.is_over:
            if self._client.is_overdue(seconds, hurries=self.server.draining):
                self.cut()
            return
        self.guard.tick(seconds)
        own = self.link.upstream.timeouts if self.link.upstream is not None else None
        self.calls.tick(seconds, own or timeouts, last_sent_id=self.requests.last_sent_id)
        self._waiting_s = self._waiting_s + seconds if self.up.scanner.is_waiting else 0.0
        if self._waiting_s > timeouts.head:
            self._client_broke(ConnectionFault(Failure.ENHANCE_YOUR_CALM, "a frame took too long"))
        elif not self.calls.streams and self.calls.rest_s > timeouts.keep_alive:
            self.finish()
        else:
            self.from_client(b"")
            self.from_service(b"")

    @property
    def in_flight(self) -> int:
        return len(self.calls.streams)

    def recheck(self) -> None:
        service_link.recheck(self)

    def retire(self) -> None:
        service_link.retire(self)

    def drain(self) -> None:
        """No more calls; those in flight may end, and idle streams of events do so now."""
        self.retire()
        end_event_streams(self.calls, self)
        self.flush()

    def cut(self) -> None:
        """Close both ends at once."""
        self.is_over = True
        reset(self._client.transport)
        self.link.abort()

    def time_is_up(self) -> None:
        """Tell each call in the words of its protocol, then close."""
        self.give_up(refusals.shutting_down())

    # The end.

    def _client_broke(self, fault: ConnectionFault) -> None:
        """Say why, and close; the service learns of it by the end of its connection."""
        self.calls.drop_all(fault)
        self._say_goodbye(fault.failure, fault.reason)

    def give_up(self, error: AuthProxyError) -> None:
        """There is no service (any more): each call hears it, then the connection ends."""
        if self.is_over:
            return
        self.calls.fail_all(error)
        self.calls.is_draining = True
        self.up.holds.set(CONNECTING, False)
        self.link.abort()
        if not self.calls.mcp.is_waiting:
            self._say_goodbye(Failure.NO_ERROR, error.message)

    def finish(self) -> None:
        """Close in good order, if nothing is in flight."""
        if not (self.is_over or self.calls.streams or self.calls.mcp.is_waiting):
            self._say_goodbye(Failure.NO_ERROR, "")

    def _say_goodbye(self, failure: Failure, reason: str) -> None:
        is_whole = self.down.scanner.is_between_frames
        self.tell_last(failure, reason)
        self.is_over = True
        if is_whole:
            self.down.flush()
            self.up.holds.set(ALL, False)
            self._client.end_writing()
        else:
            # In the middle of a frame nothing can be said but that it will not be whole.
            reset(self._client.transport)
        self.link.abort()

    def tell_last(self, failure: Failure, reason: str) -> None:
        """GOAWAY; the last stream that it names never becomes a later one (RFC 9113 6.8)."""
        self.calls.last_taken_id = last = min(self.requests.last_id, self.calls.last_taken_id)
        self.to_client(goaway(last, failure, reason))

    def flush(self) -> None:
        """Write what has gathered on both sides."""
        self.down.flush()
        self.up.flush()

    def __repr__(self) -> str:
        state = "over" if self.is_over else f"{len(self.calls.streams)} streams"
        return f"<Splice {self.caller.address} [{state}]>"
