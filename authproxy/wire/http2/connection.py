"""One HTTP/2 connection of a client, put through to one connection to a service.

Frames pass in both directions as they came, streams keep their numbers, so flow control, settings
and pings are between the two ends; see `requests` and `responses` for what is looked at on the way.
The first call decides which service it is. No more is read until the connection to it is open.
"""

import asyncio

from authproxy.errors import AuthProxyError, CredentialError, UpstreamError
from authproxy.exchange import Token
from authproxy.policy.messages.http2_fields import Call
from authproxy.settings import TimeoutSettings
from authproxy.wire import refusals
from authproxy.wire.admission.admission import Admission, NotAdmitted
from authproxy.wire.admission.admit import admit
from authproxy.wire.admission.caller import Caller
from authproxy.wire.admission.token_wait import fetch_token
from authproxy.wire.goodbye import Goodbye
from authproxy.wire.http2 import call_refusals
from authproxy.wire.http2.calls import Calls
from authproxy.wire.http2.endpoints import ClientEnd, ServiceEnd
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
from authproxy.wire.http2.lanes import CONGESTED, CONNECTING, TOKEN, UNREAD, Lane
from authproxy.wire.http2.requests import Requests
from authproxy.wire.http2.responses import Answers
from authproxy.wire.http2.settings_sync import Agreement
from authproxy.wire.relay.ports import Server
from authproxy.wire.status import Kind
from authproxy.wire.transport import reset
from authproxy.wire.upstream import mismatch
from authproxy.wire.upstream.upstream import Upstream

MAX_EARLY = 64 * 1024
"""Bytes kept for a service that no call has named yet."""


class Splice:
    """Both ends and what is between them, as the server sees it: something open."""

    def __init__(self, server: Server, caller: Caller, transport: asyncio.Transport) -> None:
        self.server = server
        self.loops = server.loops
        self.caller = caller
        self.calls = Calls(self)
        self.guard = Guard()
        self.agreement = Agreement(self)
        self.upstream: Upstream | None = None
        self.is_draining = server.draining
        self._client = ClientEnd(self, transport)
        self._service: ServiceEnd | None = None
        self.requests = Requests(self, self.calls, self.agreement)
        self.answers = Answers(self, self.calls, self.agreement)
        size = server.limits.head_bytes
        # Up to twice what is allowed a call can still be told that it is too large.
        self._up = Lane(self.requests, max_block=2 * size)
        self._down = Lane(self.answers, max_block=size)
        self._up.source = self._down.sink = self._client
        self._up.out.append(PREFACE)
        self._has_settings = False  # of the service's own: then it speaks HTTP/2
        self._is_over = False  # then nothing that comes is looked at any more
        self.rest_s = self._waiting_s = 0.0
        self._goodbye = Goodbye(transport)

    def start(self, data: bytes) -> None:
        """Take the transport over; `data` begins with HTTP/2's preface."""
        self.server.opened(self, self.caller.address)
        self._client.transport.set_protocol(self._client)
        # grpcio waits for settings before it calls, and only a call tells which service it is.
        self._down.out.append(frame(SETTINGS, 0, 0))
        self.from_client(data[len(PREFACE) :])

    # What the ends tell.

    def from_client(self, data: bytes) -> None:
        while not self._is_over:
            try:
                self._up.scanner.feed(data)
            except ConnectionFault as fault:
                self._client_broke(fault)
                return
            if self.upstream is None and sum(map(len, self._up.out)) > MAX_EARLY:
                self._client_broke(call_refusals.much_but_no_call())
                return
            self.flush()
            if not self._up.stops or self._up.stays(self._down):
                return
            data = b""

    def from_service(self, data: bytes) -> None:
        while not self._is_over:
            try:
                self._down.scanner.feed(data)
            except ConnectionFault as fault:
                assert self.upstream is not None  # noqa: S101 -- for the type checker: it has spoken
                self._up.close(goaway(0, fault.failure, fault.reason))
                begun = b"" if self._has_settings else data
                self._give_up(
                    call_refusals.service_broke(fault.reason, begun, self.upstream.origin)
                )
                return
            self.flush()
            if not self._down.stops or self._down.stays(self._up):
                return
            data = b""

    def client_congested(self, on: bool) -> None:
        self._down.hold(CONGESTED, on)
        if not on and self._up.stops:
            self.from_client(b"")

    def service_congested(self, on: bool) -> None:
        self._up.hold(CONGESTED, on)
        if not on and self._down.stops:
            self.from_service(b"")

    def client_gone(self) -> None:
        self.calls.drop_all()
        self._is_over = True
        self.server.closed(self)
        # Not kept: it would wait for the garbage collector, with the buffers of TLS in it.
        service, self._service = self._service, None
        self._up.sink = self._down.source = None
        if service is not None:
            service.transport.abort()

    def service_gone(self, reason: str) -> None:
        if not self._is_over:
            hint = ""
            if self.upstream is not None and not self._has_settings:
                hint = mismatch.silence_hint(self.upstream.origin, http2=True)
            self._give_up(refusals.service_gone(reason, hint))

    # What the receivers find.

    @property
    def has_service(self) -> bool:
        """A call has said which service it is, and it is connected or will be."""
        return self.upstream is not None

    @property
    def unread_bytes(self) -> int:
        """What the client has been sent, or will be, and has not taken."""
        return self._down.unsent_bytes

    def admit(self, call: Call) -> Admission:
        """Where a call goes. Raises NotAdmitted."""
        found = admit(self.caller, call.head, call.facts)
        upstream = found.service
        if self.upstream is None:
            self.upstream = upstream
            self._up.hold(CONNECTING, True)
            upstream.pool.beside.spawn(self._connect(upstream), name=f"to {upstream.origin}")
        elif upstream is not self.upstream:
            raise NotAdmitted(
                call_refusals.another_service(), found.address, host=found.host, cors=found.cors
            )
        return found

    def fetch_token(self, upstream: Upstream) -> None:
        """Look at nothing more from the client until there is a token."""
        self._up.stop(TOKEN)
        fetch_token(upstream, self, self.server.tasks)

    def to_client(self, frames: bytes) -> None:
        """Send frames of our own."""
        self._down.insert(frames)
        if self._down.is_full:
            self._up.stop(UNREAD)

    def to_service(self, frames: bytes) -> None:
        """Send frames of our own."""
        self._up.insert(frames)
        if self._up.is_full:
            self._down.stop(UNREAD)

    def client_settings(self, settings: dict[int, int]) -> None:
        self._down.scanner.take_frames_of(settings.get(MAX_FRAME_SIZE, 0))
        if INITIAL_WINDOW_SIZE in settings:
            self.calls.own.set_initial(settings[INITIAL_WINDOW_SIZE])

    def service_settings(self, settings: dict[int, int]) -> None:
        self._has_settings = True
        self._up.scanner.take_frames_of(settings.get(MAX_FRAME_SIZE, 0))

    # Tasks.

    async def _connect(self, upstream: Upstream) -> None:
        try:
            if upstream.found is not None:
                await upstream.found()
            service = await upstream.connector.open(lambda: ServiceEnd(self), http2=True)
        except CredentialError as error:
            self._give_up(error)
            return
        except UpstreamError as error:
            self._give_up(call_refusals.not_connected(error, upstream.origin))
            return
        if self._is_over:
            service.transport.abort()
        elif not service.speaks_http2:
            service.transport.abort()
            self._give_up(mismatch.no_http2(upstream.origin))
        else:
            self._service = self._up.sink = self._down.source = service
            self._up.hold(CONNECTING, False)
            self._down.hold(0, False)
            self.flush()
            service.attach()

    def no_token(self, error: AuthProxyError) -> None:
        """There is none for the call that waits."""
        self._go_on(error=error)

    def token_came(self, token: Token) -> None:
        """There is one for the call that waits."""
        self._go_on(self.requests.go_on(token))

    def _go_on(self, frames: bytes = b"", *, error: AuthProxyError | None = None) -> None:
        if self._is_over:
            return
        if error is not None:
            stream_id = self.requests.drop_held()
            if stream_id in self.calls.streams:
                self.calls.refuse(stream_id, self.calls.streams[stream_id], error)
        elif frames:
            self._up.out.append(frames)
        self._up.go_on(TOKEN)
        self._up.keep()
        self.from_client(b"")

    # What the server asks for.

    kind: Kind = "http2"

    @property
    def idle_s(self) -> float:
        """For how long no call has been in flight."""
        return 0.0 if self.calls.streams or self._is_over else self.rest_s

    def tick(self, seconds: float, timeouts: TimeoutSettings) -> None:
        """Time passed."""
        self.rest_s += seconds
        if self._is_over:
            if self._goodbye.is_overdue(seconds, hurries=self.server.draining):
                self.cut()
            return
        self.guard.tick(seconds)
        own = self.upstream.timeouts if self.upstream is not None else None
        self.calls.tick(seconds, own or timeouts, last_sent_id=self.requests.last_sent_id)
        self._waiting_s = self._waiting_s + seconds if self._up.scanner.is_waiting else 0.0
        if self._waiting_s > timeouts.head:
            self._client_broke(ConnectionFault(Failure.ENHANCE_YOUR_CALM, "a frame took too long"))
        elif not self.calls.streams and self.rest_s > timeouts.keep_alive:
            self.finish()
        else:
            self.from_client(b"")
            self.from_service(b"")

    @property
    def in_flight(self) -> int:
        return len(self.calls.streams)

    def drain(self) -> None:
        """No more calls; those in flight may end, and idle streams of events do so now."""
        if not self.is_draining and self.calls.streams:
            self._tell_last(Failure.NO_ERROR, "")
        self.is_draining = True
        self.calls.end_event_streams()
        self.flush()
        self.finish()

    def cut(self) -> None:
        """Close both ends at once."""
        self._is_over = True
        reset(self._client.transport)
        if self._service is not None:
            self._service.transport.abort()

    def time_is_up(self) -> None:
        """Tell each call in the words of its protocol, then close."""
        self._give_up(refusals.shutting_down())

    # The end.

    def _client_broke(self, fault: ConnectionFault) -> None:
        """Say why, and close; the service learns of it by the end of its connection."""
        self.calls.drop_all(fault)
        self._say_goodbye(fault.failure, fault.reason)

    def _give_up(self, error: AuthProxyError) -> None:
        """There is no service (any more): each call hears it, then the connection ends."""
        if self._is_over:
            return
        self.calls.fail_all(error, last_taken_id=self.answers.last_taken_id)
        self._say_goodbye(Failure.NO_ERROR, error.message)

    def finish(self) -> None:
        """Close in good order, if nothing is in flight."""
        if not self._is_over and not self.calls.streams:
            self._say_goodbye(Failure.NO_ERROR, "")

    def _say_goodbye(self, failure: Failure, reason: str) -> None:
        if self._is_over:
            return
        is_whole = self._down.scanner.is_between_frames
        self._tell_last(failure, reason)
        self._is_over = True
        if is_whole:
            self._down.flush()
            self._client.pause(False)
            self._goodbye.end_writing()
        else:
            # In the middle of a frame nothing can be said but that it will not be whole.
            reset(self._client.transport)
        if self._service is not None:
            self._service.transport.abort()

    def _tell_last(self, failure: Failure, reason: str) -> None:
        """GOAWAY; the last stream that it names never becomes a later one (RFC 9113 6.8)."""
        last_id = min(self.requests.last_id, self.answers.last_taken_id)
        self.answers.last_taken_id = last_id
        self.to_client(goaway(last_id, failure, reason))

    def flush(self) -> None:
        """Write what has gathered on both sides."""
        self._down.flush()
        self._up.flush()

    def __repr__(self) -> str:
        state = "over" if self._is_over else f"{len(self.calls.streams)} streams"
        return f"<Splice {self.caller.address} [{state}]>"
