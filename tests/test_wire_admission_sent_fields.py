"""What a service gets is written once for a client that repeats itself."""

from itertools import zip_longest
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from authproxy.exchange import RequestHead, make_field
from authproxy.policy.messages.facts import read_request
from authproxy.policy.messages.headers import service_rules
from authproxy.wire.admission.admission import NOWHERE, Admission
from authproxy.wire.admission.sent_fields import SentFields
from authproxy.wire.http1.heads import FieldLines

UNUSED = cast(Any, None)

RULES = service_rules(authority="billing.example", token_header="auto")
ADMISSION = Admission(UNUSED, UNUSED, b"/", b"localhost", None, "", NOWHERE, b"F: 1\r\n", b"")


def head(method: bytes = b"GET", *fields: tuple[bytes, bytes]) -> RequestHead:
    named = [(b"Host", b"localhost"), *fields]
    return RequestHead(method, b"/", "1.1", [make_field(*field) for field in named])


def test_the_same_facts_for_the_same_admission_give_the_same_lines() -> None:
    sent, asked = SentFields(), head()
    facts = read_request(asked)
    lines = sent.write(asked, facts, ADMISSION, RULES)

    assert b"F: 1\r\n" in lines
    assert lines is sent.write(asked, facts, ADMISSION._replace(target=b"/other"), RULES)
    assert b"F: 2\r\n" in sent.write(asked, facts, ADMISSION._replace(forwarded=b"F: 2\r\n"), RULES)
    assert b"F: 1\r\n" in sent.write(asked, facts, ADMISSION, RULES)


def test_every_hop_is_counted() -> None:
    sent, asked = SentFields(), head(b"OPTIONS", (b"Max-Forwards", b"5"))
    facts = read_request(asked)
    lines = sent.write(asked, facts, ADMISSION, RULES)

    assert b"Max-Forwards: 4" in lines
    assert b"Max-Forwards: 4" in sent.write(asked, facts, ADMISSION, RULES)
    assert f"<SentFields [{len(lines)} bytes]>" == repr(sent)


TRACED = service_rules(
    authority="billing.example",
    token_header="auto",
    add=[("X-Request-Id", "1"), ("X-Own", "2")],
    remove=["B3"],
)
NAMES = (b"Traceparent", b"tracestate", b"X-Request-Id", b"b3", b"baggage", b"Traceparent")


@given(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=4),
    st.lists(st.lists(st.sampled_from([b"1", b"2"]), min_size=4, max_size=4), max_size=5),
    st.sampled_from([(), ((b"Connection", b"baggage"),)]),
)
def test_traces_take_the_place_of_those_before(
    names: list[bytes], said: list[list[bytes]], more: tuple[tuple[bytes, bytes], ...]
) -> None:
    remembering, facts, known = SentFields(), None, None
    for values in said:
        traces = list(zip(names, values, strict=False))
        asked = head(b"GET", *more, (b"Accept", b"1"), *traces, (b"X-End", b"1"))
        asked.headers = [
            before if before == field else field
            for before, field in zip_longest(known or [], asked.headers)
        ]
        facts, known = facts or read_request(asked), asked.headers
        lines = remembering.write(asked, facts, ADMISSION, TRACED)

        assert SentFields().write(asked, facts, ADMISSION, TRACED) == lines


def test_names_that_stand_twice_are_looked_for_in_each_client_s_new_fields() -> None:
    sent, lines = SentFields(), FieldLines()
    for first, *others in (
        [b"b: 1\r\ntraceparent: 1", b"b: 1\r\ntraceparent: 2"],
        [b"X: 1\r\ntraceparent: 5\r\ntraceparent: 5", b"X: 1\r\ntraceparent: 5\r\ntraceparent: 6"],
    ):
        asked = RequestHead(b"GET", b"/", "1.1", lines.parse(b"Host: a\r\n" + first))
        facts = read_request(asked)
        sent.write(asked, facts, ADMISSION, TRACED)
        for other in others:
            asked = RequestHead(b"GET", b"/", "1.1", lines.parse(b"Host: a\r\n" + other))
            written = sent.write(asked, facts, ADMISSION, TRACED)
            assert SentFields().write(asked, facts, ADMISSION, TRACED) == written
