"""Fields that name a request, or the trace that it belongs to: others each time.

Nothing is decided by them, so a client that sends them repeats itself all the same.
"""

from collections.abc import Sequence

from authproxy.exchange import Field

TRACE_FIELDS = frozenset(
    [
        b"b3",
        b"baggage",
        b"traceparent",
        b"tracestate",
        b"x-b3-parentspanid",
        b"x-b3-spanid",
        b"x-b3-traceid",
        b"x-cloud-trace-context",
        b"x-correlation-id",
        b"x-request-id",
    ]
)


def is_repeated(before: Sequence[Field], fields: Sequence[Field]) -> bool:
    """Are `fields` the same as those `before`, but for values of these?"""
    if len(before) != len(fields):
        return False
    for known, field in zip(before, fields, strict=True):
        if known is not field and (known[0] != field[0] or field[0] not in TRACE_FIELDS):
            return False
    return True
