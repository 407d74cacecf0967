"""Link of an HTTP/2 connection to its service: which it is, and the connection to it."""

from authproxy.errors import AuthProxyError, CredentialError, UpstreamError
from authproxy.wire import refusals
from authproxy.wire.http2 import call_refusals
from authproxy.wire.http2.endpoints import ServiceEnd
from authproxy.wire.http2.interfaces import Ends
from authproxy.wire.loops import Loops
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
