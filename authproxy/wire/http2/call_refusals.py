"""The sentences that only HTTP/2 needs."""

import ssl

from authproxy.errors import Code, Refused, UpstreamError
from authproxy.values import Origin
from authproxy.wire.admission.admission import NotAdmitted
from authproxy.wire.http2.framing.frames import ConnectionFault, Failure
from authproxy.wire.upstream import mismatch


class ServiceMoved(NotAdmitted):
    """By a new configuration the service is reached in another way than by this connection."""


def another_service() -> Refused:
    """RFC 9110 15.5.20: the client may ask again on another connection."""
    return Refused(
        "This connection leads to another service: with HTTP/2 each service needs its own.",
        code=Code.ANOTHER_SERVICE,
        hint="Let the client open a connection for each service that it calls.",
    )


def not_connected(error: UpstreamError, origin: Origin) -> UpstreamError:
    """`error`, or that the service turned HTTP/2 down while TLS was negotiated."""
    cause = error.__cause__
    reason = getattr(cause, "reason", "") if isinstance(cause, ssl.SSLError) else ""
    return mismatch.no_http2(origin) if "NO_APPLICATION_PROTOCOL" in str(reason) else error


def service_broke(reason: str, begun: bytes, origin: Origin) -> UpstreamError:
    """`begun`: with what it began, if nothing before was valid."""
    return mismatch.find_mismatch(begun, origin, reason, http2=True) or UpstreamError(
        "The service's answer is not valid HTTP/2.",
        code=Code.UPSTREAM_BROKE,
        sent=True,
        hint="Is the address that of the service itself, and its port one that speaks HTTP/2?",
        detail=reason,
    )


def malformed_answer(reason: str) -> UpstreamError:
    """One answer is not valid (RFC 9113 8.1.1); the connection is."""
    return UpstreamError(
        "The service's answer is not valid HTTP/2.",
        code=Code.UPSTREAM_BROKE,
        sent=True,
        hint="The access log says what is wrong with it.",
        detail=reason,
    )


def much_but_no_call() -> ConnectionFault:
    return ConnectionFault(Failure.ENHANCE_YOUR_CALM, "many frames and no call")


def malformed_request(reason: str) -> Refused:
    return Refused("The request is not valid HTTP/2.", code=Code.BAD_REQUEST, detail=reason)
