"""A service that speaks another protocol than the one it is spoken to in.

Its first bytes tell; and where it closes without any, what to look at is said with more care.
"""

from authproxy.errors import Code, UpstreamError
from authproxy.values import Origin
from authproxy.wire.http2.framing.frames import SETTINGS

_LET_CLIENT = (
    "Let the client speak HTTP/2 to authproxy: curl with --http2-prior-knowledge, gRPC by a client"
    " that does not fall back to HTTP/1.1."
)
TLS_HINT = "If its port requires TLS, write https:// in the service's url."


def find_mismatch(data: bytes, origin: Origin, reason: str, *, http2: bool) -> UpstreamError | None:
    """What is wrong with a service that began with `data` when HTTP/1.1 was spoken to it, or with
    `http2` that. None when it is nothing that could be told."""
    if data[:2] in (b"\x15\x03", b"\x16\x03"):  # a record of TLS, an alert as a rule
        return speaks_tls(origin, reason)
    if http2:
        return no_http2(origin, reason) if data.startswith(b"HTTP/1.") else None
    # SETTINGS of the connection, which come first (RFC 9113 3.4).
    if data[:1] == b"\0" and data[3:4] == bytes([SETTINGS]) and data[5:9] == bytes(4):
        return no_http1(origin, reason)
    return None


def speaks_tls(origin: Origin, reason: str = "") -> UpstreamError:
    return UpstreamError(
        f"{origin} speaks TLS, and its url says http://.",
        code=Code.UPSTREAM_BROKE,
        sent=True,
        hint="Write https:// and not http:// in the service's url.",
        detail=reason,
    )


def no_http1(origin: Origin, reason: str = "") -> UpstreamError:
    return UpstreamError(
        f"{origin} speaks HTTP/2 only, and this request came by HTTP/1.1.",
        code=Code.NO_HTTP1,
        sent=True,
        hint=_LET_CLIENT,
        detail=reason,
    )


def no_http2(origin: Origin, reason: str = "") -> UpstreamError:
    return UpstreamError(
        f"{origin} does not speak HTTP/2, and this request came by HTTP/2.",
        code=Code.NO_HTTP2,
        sent=False,
        hint="Call it with HTTP/1.1, or let it speak HTTP/2: every Cloud Run service does at its"
        " own address, and `gcloud run services update --use-http2` takes it to the container.",
        detail=reason,
    )


def silence_hint(origin: Origin, *, is_grpc: bool = False, http2: bool = False) -> str:
    """What to look at when it closes a new connection without a word: a crash as a rule."""
    hints = []
    if origin.scheme == "http":
        hints.append(TLS_HINT)
    if http2 and origin.scheme == "http":
        hints.append("If it speaks HTTP/1.1 only, call it with HTTP/1.1.")
    if is_grpc and not http2:
        hints.append(f"Most gRPC services speak HTTP/2 only. {_LET_CLIENT}")
    return " ".join(hints)
