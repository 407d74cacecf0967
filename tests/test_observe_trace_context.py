import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.exchange import make_field
from authproxy.observe.trace_context import (
    TraceContext,
    find_trace,
    parse_cloud_trace,
    parse_traceparent,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER = "105445aa7843bc8bf206b12000100000"
SPAN = "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    ("value", "sampled", "is_random"),
    [
        (GOOD, True, False),
        (f" \t{GOOD}\t ", True, False),
        (f"00-{TRACE}-{SPAN}-00", False, False),
        (f"00-{TRACE}-{SPAN}-02", False, True),
        (f"00-{TRACE}-{SPAN}-03", True, True),
        (f"00-{TRACE}-{SPAN}-ff", True, True),
        (f"cc-{TRACE}-{SPAN}-01", True, False),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", True, False),
    ],
)
def test_a_traceparent_says_trace_span_and_whether_it_is_sampled(
    value: str, sampled: bool, is_random: bool
) -> None:
    expected = TraceContext(TRACE, SPAN, sampled, is_w3c=True, is_random=is_random)

    assert expected == parse_traceparent(value.encode())


@pytest.mark.parametrize(
    "value",
    [
        "",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-001",
        f"00-{TRACE}-{SPAN}-01-",
        f"00-{TRACE}-{SPAN}-01-more",
        f"ff-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}0-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01x",
        f"cc-{TRACE}-{SPAN}-01x",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
        f"{GOOD},{GOOD}",
        f"00_{TRACE}_{SPAN}_01",
        f"00-{TRACE}-{SPAN}-01\n",
    ],
)
def test_a_traceparent_that_is_invalid_names_no_trace(value: str) -> None:
    assert None is parse_traceparent(value.encode())


@pytest.mark.parametrize(
    ("value", "span", "sampled"),
    [
        (f"{TRACE}/123;o=1", "000000000000007b", True),
        (f"{TRACE}/123;o=0", "000000000000007b", False),
        (f"{TRACE}/123;o=3", "000000000000007b", True),
        (f"{TRACE}/123", "000000000000007b", None),
        (f"{TRACE}/0000123;o=1", "000000000000007b", True),
        (f"{TRACE}/18446744073709551615;o=1", "ffffffffffffffff", True),
        (f"{TRACE}/0;o=1", "", True),
        (f"{TRACE}/;o=1", "", True),
        (f"{TRACE};o=1", "", True),
        (f"{TRACE};o=0", "", False),
        (TRACE, "", None),
        (f"{TRACE.upper()}/123;o=1", "000000000000007b", True),
        (f" {TRACE}/123;o=1\t", "000000000000007b", True),
        (f"{TRACE}/123;o=1;", "000000000000007b", True),
    ],
    ids=lambda value: repr(value),
)
def test_googles_field_goes_on_with_span_0_without_a_span_and_in_capitals(
    value: str, span: str, sampled: bool | None
) -> None:
    expected = TraceContext(TRACE, span, sampled, is_w3c=False)

    assert expected == parse_cloud_trace(value.encode())


@pytest.mark.parametrize(
    "value",
    [
        "",
        "/123;o=1",
        f"{TRACE[1:]}/123;o=1",
        f"{TRACE}0/123;o=1",
        f"{'0' * 32}/123;o=1",
        f"{TRACE}/18446744073709551616;o=1",
        f"{TRACE}/-1;o=1",
        f"{TRACE}/7b;o=x",
        f"{TRACE}/abc",
        f"{TRACE}/123;o=",
        f"{TRACE}/123;p=1",
        f"{TRACE}/123,o=1",
        f"{TRACE}/123;o=1, {TRACE}/124;o=1",
        f"{TRACE}-123-1",
    ],
)
def test_googles_field_malformed_names_no_trace(value: str) -> None:
    assert None is parse_cloud_trace(value.encode())


W3C = TraceContext(TRACE, SPAN, sampled=True, is_w3c=True)
CLOUD = TraceContext(OTHER, "0000000000000005", sampled=True, is_w3c=False)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([], None),
        ([("Host", "x")], None),
        ([("Traceparent", GOOD)], W3C),
        ([("X-Cloud-Trace-Context", f"{OTHER}/5;o=1")], CLOUD),
        ([("X-Cloud-Trace-Context", f"{OTHER}/5;o=1"), ("TRACEPARENT", GOOD)], W3C),
        ([("traceparent", "00-bad"), ("X-Cloud-Trace-Context", f"{OTHER}/5;o=1")], CLOUD),
        ([("traceparent", GOOD), ("X-Cloud-Trace-Context", "bad")], W3C),
        ([("traceparent", "bad"), ("X-Cloud-Trace-Context", "bad")], None),
        ([("traceparent", GOOD), ("traceparent", GOOD)], None),
        ([("X-Cloud-Trace-Context", f"{OTHER}/5;o=1")] * 2, None),
    ],
    ids=[
        "nothing",
        "another field",
        "traceparent",
        "Google's",
        "both",
        "both, one malformed",
        "both, the other malformed",
        "both malformed",
        "two traceparents",
        "two of Google's",
    ],
)
def test_traceparent_wins_and_googles_field_is_what_is_left(
    fields: list[tuple[str, str]], expected: TraceContext | None
) -> None:
    made = [make_field(name.encode(), value.encode()) for name, value in fields]

    assert expected == find_trace(made)


@given(st.binary())
def test_no_bytes_are_an_error(value: bytes) -> None:
    parse_traceparent(value)
    parse_cloud_trace(value)
