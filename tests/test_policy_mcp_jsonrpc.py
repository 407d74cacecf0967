"""Which requests a body holds; that ids come back as they were sent."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.errors import Code, Refused
from authproxy.policy.mcp.jsonrpc import (
    MAX_BYTES,
    RpcBody,
    read_answered,
    read_asked,
    write_errors,
)

ERROR = Refused("No “way”.", code=Code.NO_ROUTE, hint="Take another.")


def message(**members: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **members}).encode()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (message(id=7, method="a"), RpcBody(ids=("7",), methods=("a",))),
        (message(id="7", method="a"), RpcBody(ids=('"7"',), methods=("a",))),
        (b"\xef\xbb\xbf" + message(id=7, method="a"), RpcBody(ids=("7",), methods=("a",))),
        (message(method="a"), RpcBody(methods=("a",))),
        (message(id=None, method="a"), RpcBody(methods=("a",))),
        (message(id=True, method="a"), RpcBody(methods=("a",))),
        (message(id=[1], method="a"), RpcBody(methods=("a",))),
        (message(id=7, result={}), RpcBody()),
        (message(id=7, method=7), RpcBody()),
        (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}', RpcBody(ids=("2",), methods=("a",))),
        (
            b"[%b,%b,%b]" % (message(id=1, method="a"), message(method="b"), message(result=1)),
            RpcBody(ids=("1",), methods=("a", "b"), is_batch=True),
        ),
        (b"[%b,1]" % message(id=1, method="a"), None),
        (b"[]", None),
        (b"{}", None),
        (b"7", None),
        (b"", None),
        (b"nonsense", None),
        (b'"\xff"', None),
        (b'{"jsonrpc":2.0,"id":1,"method":"a"}', None),
        (b'{"jsonrpc":"1.0","id":1,"method":"a"}', None),
        (b'{"id":1,"method":"a"}', None),
        (b"[" * 60_000, None),
        (b'{"jsonrpc":"2.0","id":Infinity,"method":"a"}', None),
        (message(id=7, method="a", params="x" * MAX_BYTES), None),
    ],
)
def test_what_a_body_asks_for(body: bytes, expected: RpcBody | None) -> None:
    assert expected == read_asked(body)


NUMBERS = st.one_of(
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(json.dumps),
    st.sampled_from(["1.50", "-0", "1e400", "1E+2", "9" * 5000]),
)


@given(st.one_of(NUMBERS, st.text().map(json.dumps)))
def test_an_id_comes_back_as_it_was_sent(text: str) -> None:
    asked = read_asked(b'{"jsonrpc": "2.0", "id": %b, "method": "a"}' % text.encode())

    assert asked is not None
    assert (text,) == asked.ids
    assert f'"id": {text}, '.encode() in write_errors(ERROR, asked, "r-1")


def test_an_error_has_all_that_there_is_to_say() -> None:
    said = json.loads(write_errors(ERROR, RpcBody(ids=("7",)), "r-1"))

    assert {
        "jsonrpc": "2.0",
        "id": 7,
        "error": {
            "code": -32000,
            "message": "No “way”. Take another.",
            "data": {"authproxy": "no_route", "hint": "Take another.", "request_id": "r-1"},
        },
    } == said


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        (RpcBody(), None),
        (RpcBody(is_batch=True), None),
        (RpcBody(ids=("1",), is_batch=True), [1]),
        (RpcBody(ids=("1", '"b"'), is_batch=True), [1, "b"]),
    ],
)
def test_each_request_of_a_batch_has_its_error(asked: RpcBody, ids: object) -> None:
    said = json.loads(write_errors(ERROR, asked, "r-1"))

    assert ids == ([each["id"] for each in said] if isinstance(said, list) else said["id"])


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        (("server/discover",), True),
        (("tools/list",), True),
        (("resources/templates/list", "prompts/list"), True),
        (("tools/list", "tools/call"), False),
        (("tools/call",), False),
        (("initialize",), False),
        (("list",), False),
        ((), False),
    ],
)
def test_what_may_be_sent_twice(methods: tuple[str, ...], expected: bool) -> None:
    assert expected == RpcBody(methods=methods).changes_nothing


def test_what_listens_is_told_by_its_method() -> None:
    assert RpcBody(methods=("subscriptions/listen",)).listens
    assert not RpcBody(methods=("tools/call",)).listens


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (message(id=7, result={}), ("7",)),
        (message(id="a", error={}), ('"a"',)),
        (b"[%b,%b]" % (message(id=1, result=0), message(id=2, result=0)), ("1", "2")),
        (message(id=7, method="sampling/createMessage"), ()),
        (message(method="notifications/progress"), ()),
        (message(id=7), ()),
        (b"nonsense", ()),
    ],
)
def test_which_responses_there_are(data: bytes, expected: tuple[str, ...]) -> None:
    assert expected == read_answered(data)
