"""Link of an HTTP/2 connection to its service: which it is, and the connection to it.

Also what becomes of both when the rules are others.
"""

from typing import Protocol

from authproxy.errors import AuthProxyError, CredentialError, UpstreamError
from authproxy.wire import refusals
from authproxy.wire.admission.admission import Admission, NotAdmitted
from authproxy.wire.http2 import call_refusals
from authproxy.wire.http2.calls import Calls
from authproxy.wire.http2.endpoints import ServiceEnd
from authproxy.wire.http2.framing.frames import Failure, rst_stream
from authproxy.wire.http2.interfaces import Between, Ends
from authproxy.wire.loops import Loops
from authproxy.wire.lost_peers import LOST_AFTER_S, is_lost, not_acknowledged
from authproxy.wire.upstream import mismatch
from authproxy.wire.upstream.upstream import Upstream


class ServiceLink:
    """The first call chooses the service; a connection is never for another one after that."""

    __slots__ = ("_loops", "_splice", "end", "has_spoken", "upstream")

    def __init__(self, splice: Ends, loops: Loops) -> None:
        self._splice = splice
        self._loops = loops
        self.upstream: Upstream | None = None
        """None: no call has said which."""
        self.end: ServiceEnd | None = None
        """None until it is connected, and when it is over."""
        self.has_spoken = False
        """Settings of its own have come: it speaks HTTP/2."""

    def choose(self, upstream: Upstream) -> None:
        """Connect to this one; `connected` or `give_up` is told later."""
        self.upstream = upstream
        upstream.pool.beside.spawn(self._connect(upstream), name=f"to {upstream.origin}")

    def follow(self, upstream: Upstream) -> bool:
        """Another configuration has this one, of the same name: can it be reached by the connection
        that there is?"""
        chosen = self.upstream
        is_same = chosen is not None and (chosen.name, chosen.pool) == (
            upstream.name,
            upstream.pool,
        )
        if is_same:
            self.upstream = upstream
        return is_same

    async def _connect(self, upstream: Upstream) -> None:
        splice = self._splice
        try:
            if upstream.found is not None:
                await upstream.found()
            end, opening = await upstream.connector.open_timed(
                lambda: ServiceEnd(splice, self._loops), http2=True
            )
        except CredentialError as error:
            splice.give_up(error)
            return
        except UpstreamError as error:
            upstream.pool.http2_tries.failed += 1
            splice.give_up(call_refusals.not_connected(error, upstream.origin))
            return
        upstream.pool.http2_tries.opened += 1
        if splice.is_over:
            end.transport.abort()
        elif not end.speaks_http2:
            end.transport.abort()
            splice.give_up(mismatch.no_http2(upstream.origin))
        else:
            self.end = end
            splice.connected(end.transport, opening)
            end.attach()

    @property
    def is_lost(self) -> bool:
        """The service acknowledges nothing any more."""
        return self.end is not None and is_lost(self.end.transport)

    def abort(self) -> None:
        """Nothing more is wanted of it."""
        if self.end is not None:
            self.end.transport.abort()

    def let_go(self) -> None:
        """The same, and it is not kept: with the buffers of TLS in it, it would wait for the
        garbage collector."""
        self.abort()
        self.end = None

    def broke(self, reason: str, data: bytes) -> AuthProxyError:
        """What to tell about a service that sent `data`, which is not HTTP/2."""
        assert self.upstream is not None  # noqa: S101 -- for the type checker: it has spoken
        begun = b"" if self.has_spoken else data
        return call_refusals.service_broke(reason, begun, self.upstream.origin)

    def gone(self, reason: str) -> AuthProxyError:
        """What to tell about a service whose connection ended."""
        hint = ""
        if self.upstream is not None and not self.has_spoken:
            hint = mismatch.silence_hint(self.upstream.origin, http2=True)
        return refusals.service_gone(reason, hint)

    def __repr__(self) -> str:
        name = self.upstream.name if self.upstream is not None else "none yet"
        return f"<ServiceLink {name} [{'connected' if self.end is not None else 'not connected'}]>"


class Spliced(Between, Protocol):
    """The connection, as far as this is about it."""

    calls: Calls
    link: ServiceLink

    def flush(self) -> None:
        """Write what has gathered on both sides."""

    def give_up(self, error: AuthProxyError, /) -> None:
        """The service is lost: every call ends with `error`."""

    def tell_last(self, failure: Failure, reason: str, /) -> None:
        """Send GOAWAY."""


def tick(splice: Spliced, seconds: float) -> None:
    """Time passed; every call ends, and the connection, where nothing has moved in any of them for
    a while and the service acknowledges nothing any more."""
    splice.calls.rest_s += seconds
    silent_s = (stream.silent_s for stream in splice.calls.streams.values())
    if min(silent_s, default=0.0) > LOST_AFTER_S and splice.link.is_lost:
        splice.give_up(not_acknowledged())


def recheck(splice: Spliced) -> None:
    """Calls that may not go on end. So does the connection, once those are done that may, when its
    service is reached in another way now: clients open another one then."""
    if splice.is_over:
        return
    caller = splice.caller
    caller.look_again()
    for stream_id, stream in list(splice.calls.streams.items()):
        loss = caller.find_loss(stream.admission) if stream.admission is not None else None
        if loss is not None:
            if stream_id <= splice.requests.last_sent_id:
                splice.to_service(rst_stream(stream_id, Failure.CANCEL))
            splice.calls.fail(stream_id, stream, loss)
    chosen = splice.link.upstream
    if chosen is not None:
        now = caller.rules.routes.find_service(chosen.name)
        if now is None or caller.rules.is_closed or not splice.link.follow(now):
            retire(splice)
    splice.flush()


def retire(splice: Spliced) -> None:
    """No more calls: the next connection will be for what the service is now."""
    if splice.calls.streams and not splice.calls.is_draining:
        splice.tell_last(Failure.NO_ERROR, "")
    splice.calls.is_draining = True
    splice.finish()


def elsewhere(splice: Spliced, found: Admission) -> NotAdmitted:
    """Why a call cannot go where it was admitted to by this connection."""
    kind = NotAdmitted
    if splice.upstream is not None and splice.upstream.name == found.service.name:
        retire(splice)
        kind = call_refusals.ServiceMoved
    refusal = call_refusals.another_service()
    return kind(refusal, found.address, host=found.host, cors=found.cors)
