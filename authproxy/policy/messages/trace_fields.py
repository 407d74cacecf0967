"""Fields that repeat from head to head, and those that never do: they name a request or a trace.

Nothing is decided by the latter, so who sends them, client or service, repeats itself all the same.
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


class Fields(list[Field]):
    """The fields of a head, as a reader has taken them apart. It gives out the very same list for
    as long as they repeat, and `block`, the lines that they were read from, knows its own hash."""

    __slots__ = ("block",)
    block: bytes


def is_repeated(before: Sequence[Field], fields: Sequence[Field]) -> bool:
    """Are `fields` the same as those `before`, but for values of these?"""
    if len(before) != len(fields):
        return False
    for at, field in enumerate(fields):
        known = before[at]
        if known is not field and (known[0] != field[0] or field[0] not in TRACE_FIELDS):
            return False
    return True
