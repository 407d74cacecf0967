"""Which heads repeat those before them, but for what names a request or its trace."""

import pytest

from authproxy.exchange import Field, RequestHead, ResponseHead, make_field
from authproxy.policy.messages.facts import (
    RequestFacts,
    ResponseFacts,
    read_request,
    read_response,
)
from authproxy.policy.messages.trace_fields import TRACE_FIELDS, is_repeated

HOST = make_field(b"Host", b"localhost")
TRACE = make_field(b"Traceparent", b"1")
OTHER_TRACE = make_field(b"traceparent", b"2")
ACCEPT = make_field(b"Accept", b"*/*")


@pytest.mark.parametrize(
    ("before", "after", "repeated"),
    [
        ([HOST, TRACE], [HOST, TRACE], True),
        ([HOST, TRACE, ACCEPT], [HOST, OTHER_TRACE, ACCEPT], True),
        ([HOST], [HOST, TRACE], False),
        ([HOST, TRACE], [HOST], False),
        ([HOST, TRACE], [HOST, ACCEPT], False),
        ([HOST, ACCEPT], [HOST, make_field(b"Accept", b"a")], False),
        ([HOST, TRACE], [TRACE, HOST], False),
        ([HOST, TRACE], [HOST, make_field(b"Tracestate", b"1")], False),
    ],
)
def test_a_head_repeats_the_one_before_but_for_its_trace(
    before: list[tuple[bytes, bytes, bytes]],
    after: list[tuple[bytes, bytes, bytes]],
    repeated: bool,
) -> None:
    assert repeated is is_repeated(before, after)


def found_in(facts: RequestFacts | ResponseFacts) -> dict[str, object]:
    """All that was found out. Compiled, they have no `__dict__`."""
    return {name: getattr(facts, name) for name in dir(facts) if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(TRACE_FIELDS))
def test_nothing_is_found_out_from_such_a_field(name: bytes) -> None:
    more = [make_field(name, b"https://localhost, close, 100-continue")]

    assert found_in(asked(HOST)) == found_in(asked(HOST, *more))
    assert found_in(answered()) == found_in(answered(*more))


def asked(*fields: Field) -> RequestFacts:
    return read_request(RequestHead(b"GET", b"/", "1.1", list(fields)))


def answered(*fields: Field) -> ResponseFacts:
    return read_response(ResponseHead(200, b"OK", list(fields)))


def test_other_fields_do_say_something() -> None:
    assert found_in(asked(HOST)) != found_in(asked(HOST, make_field(b"Referer", b"a")))
    assert found_in(answered()) != found_in(answered(make_field(b"Location", b"a")))
