"""Trace of a request, by `traceparent` or Google's older field: read and written.

Rules of this file: `traceparent` (W3C Trace Context) wins, as Google's documentation asks for;
`X-Cloud-Trace-Context` counts where that is missing or malformed. What is malformed in both begins
no trace and is no error: these fields are for machines, and whoever sends them gets no answer.
"""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from authproxy.exchange import Exchange, Field

TRACEPARENT = b"traceparent"
TRACESTATE = b"tracestate"
CLOUD_TRACE = b"x-cloud-trace-context"

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
# TRACE_ID[/SPAN_ID][;o=OPTIONS]: 32 hexadecimal digits, a decimal number of 64 bits.
_CLOUD_TRACE = re.compile(rb"([0-9A-Fa-f]{32})(?:/([0-9]{0,20}))?(?:;o=([0-9]{1,3}))?;?")
_NO_TRACE = b"0" * 32
_NO_SPAN = b"0" * 16
_SPANS = 2**64
SAMPLED, RANDOM = 0x01, 0x02
"""Flags of `traceparent`."""


class TraceContext(NamedTuple):
    """A trace, as a request names it."""

    trace_id: str
    """32 hexadecimal digits in lower case, not all of them zero."""
    span_id: str
    """16 of them: the client's span; empty where the client names none."""
    sampled: bool | None
    """Whether the client records its part of the trace; None where it does not say."""
    is_w3c: bool
    """It is by `traceparent`, so what `tracestate` says belongs to it."""
    is_random: bool = False
    """The client says that the end of the trace's ID is random (Trace Context, level 2)."""


FindTrace = Callable[[Exchange], TraceContext | None]


def trace_of_client(exchange: Exchange) -> TraceContext | None:
    """The trace that the client names, where nobody records traces here."""
    return find_trace(exchange.head.headers)


def find_trace(fields: Iterable[Field]) -> TraceContext | None:
    """The trace that a request's header fields name, if they do."""
    return look_for_trace(fields)[0]


def look_for_trace(fields: Iterable[Field]) -> tuple[TraceContext | None, bool]:
    """That trace, and whether Google's field is among the fields, whatever is in it."""
    parents: list[bytes] = []
    cloud: list[bytes] = []
    for name, value, _ in fields:
        if name == TRACEPARENT:
            parents.append(value)
        elif name == CLOUD_TRACE:
            cloud.append(value)
    if not parents and not cloud:  # the usual case
        return None, False
    # Of several nobody knows which is meant (Trace Context 3.2: the field is sent once).
    found = parse_traceparent(parents[0]) if len(parents) == 1 else None
    if found is None and len(cloud) == 1:
        found = parse_cloud_trace(cloud[0])
    return found, bool(cloud)


def trace_fields(
    trace: int, span: int, *, flags: int, state: bytes = b"", has_cloud: bool = False
) -> list[tuple[bytes, bytes]]:
    """What tells a service of its span's parent; Google's field where the client has sent that.

    Names are in lower case, as HTTP/2 has them.
    """
    fields = [(TRACEPARENT, b"00-%032x-%016x-%02x" % (trace, span, flags))]
    if state:
        fields.append((TRACESTATE, state))
    if has_cloud:
        fields.append((CLOUD_TRACE, b"%032x/%d;o=%d" % (trace, span, flags & SAMPLED)))
    return fields


def parse_traceparent(value: bytes) -> TraceContext | None:
    """None for what Trace Context 3.2 calls invalid; later versions may have more at their end."""
    match = _TRACEPARENT.fullmatch(value.strip(b" \t"))
    if match is None:
        return None
    version, trace, span, flags, more = match.groups()
    if version == b"ff" or (version == b"00" and more) or trace == _NO_TRACE or span == _NO_SPAN:
        return None
    bits = int(flags, 16)
    return TraceContext(
        trace.decode(),
        span.decode(),
        bool(bits & SAMPLED),
        is_w3c=True,
        is_random=bool(bits & RANDOM),
    )


def parse_cloud_trace(value: bytes) -> TraceContext | None:
    """Google's `TRACE/SPAN;o=1`: the trace goes on even if it names no span, or span 0."""
    match = _CLOUD_TRACE.fullmatch(value.strip(b" \t"))
    if match is None:
        return None
    trace, span, options = match.groups()
    number = int(span or b"0")
    if trace == _NO_TRACE or number >= _SPANS:
        return None
    sampled = None if options is None else bool(int(options) & SAMPLED)
    span_id = f"{number:016x}" if number else ""
    return TraceContext(trace.decode().lower(), span_id, sampled, is_w3c=False)
