"""Do frames make a valid message (RFC 9113 8.1)? What is said of them is what is wrong."""

from typing import TYPE_CHECKING, Final

from authproxy.policy.messages.http2.answer_validity import BLANKS, NO_LENGTH
from authproxy.wire.http2.framing.frames import END_STREAM

if TYPE_CHECKING:
    from authproxy.wire.http2.headers.response_blocks import ResponseBlock
    from authproxy.wire.http2.streams import Stream

_BODILESS: Final = frozenset([204, 304])


def misplaced(parsed: "ResponseBlock", flags: int, stream: "Stream") -> str:
    """Of a block of an answer that is valid by itself."""
    is_last, status = bool(flags & END_STREAM), parsed.status
    if parsed.has_blanks and not _is_grpc(stream):
        return BLANKS
    if stream.exchange.status:
        return _trailers_fault(status, stream, is_last=is_last)
    if status == 0:
        return "a head without :status"
    if status < 200:
        if status == 101:
            return "the status 101, which HTTP/2 does not have"
        return "an interim answer that ends the call" if is_last else ""
    if not is_last:
        return ""
    wanted = answer_length(parsed, stream.exchange.head.method)
    return length_fault(0, wanted, is_last=True) if wanted > 0 else ""


def _trailers_fault(status: int, stream: "Stream", *, is_last: bool) -> str:
    if status:
        return "a second head, or a :status in trailers"
    if not is_last:
        return "trailers that do not end the answer"
    return length_fault(stream.answer_bytes, stream.answer_length, is_last=True)


def answer_length(parsed: "ResponseBlock", method: bytes) -> int:
    """Bytes of content that are to come: to HEAD, with 204 and 304 none, whatever they say."""
    bodiless = method == b"HEAD" or parsed.status in _BODILESS
    return 0 if bodiless else parsed.length


def length_fault(got: int, wanted: int, *, is_last: bool) -> str:
    """Of a message that has had `got` bytes of content."""
    if wanted == NO_LENGTH or got == wanted:
        return ""
    if got > wanted:
        return "more content than its content-length says"
    return "less content than its content-length says" if is_last else ""


def _is_grpc(stream: "Stream") -> bool:
    """gRPC's own rules let anybody strip blanks from metadata, and its libraries send them."""
    return any(
        name == b"content-type" and value.startswith(b"application/grpc")
        for name, value, _ in stream.exchange.head.headers
    )
