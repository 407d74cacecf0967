"""Validity of an HTTP/2 answer's fields, and its length (RFC 9113 8.1.1 to 8.3.2)."""

import re
from typing import Final

# RFC 9113 8.2.2. `te` may say `trailers`, in requests.
OF_CONNECTION: Final = frozenset(
    [b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"]
)
BLANKS: Final = "a value with spaces around it"
"""Apart from all other faults: gRPC lets anybody strip them from metadata."""
NO_LENGTH: Final = -1

_is_name = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+").fullmatch
_is_status = re.compile(rb"[1-9][0-9]{2}").fullmatch
_is_length = re.compile(rb"[0-9]{1,18}").fullmatch
_is_control = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]").search


def field_fault(name: bytes, value: bytes) -> str:
    """What is wrong with a field of an answer, by itself; empty: nothing."""
    if name[:1] == b":":
        if name != b":status":
            return "a pseudo-header field that no answer has"
        return "" if _is_status(value) else "a :status that is not valid"
    if not _is_name(name):
        return "the name of a field is not valid"
    if name in OF_CONNECTION or (name == b"te" and value != b"trailers"):
        return f"the field {name.decode()}, which is about HTTP/1.1's connection"
    if _is_control(value):
        return "the value of a field is not valid"
    if name == b"content-length" and not _is_length(value):
        return "a content-length that is not a number"
    return BLANKS if value != value.strip(b" \t") else ""


def content_length(values: list[bytes]) -> int:
    """What the fields under this name say together, NO_LENGTH if there are none.

    Raises ValueError for what is no number, or more than one.
    """
    if not values:
        return NO_LENGTH
    if len(values) > 1 or not _is_length(values[0]):
        raise ValueError("a content-length that is not a number, or repeated")
    return int(values[0])
