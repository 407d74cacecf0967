import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.exchange import Field, ResponseHead, make_field
from authproxy.policy.retry import is_token_rejection, may_resend, pause_s

FRONT_END = (
    b'Bearer error="invalid_token" error_description="The access token could not be verified"'
)


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"])
def test_an_idempotent_request_is_sent_once_more_and_not_twice(method: bytes) -> None:
    assert [True, False, False] == [may_resend(method, attempts) for attempts in (1, 2, 3)]


@pytest.mark.parametrize("method", [b"POST", b"PATCH", b"get", b"CONNECT", b"PROPFIND", b""])
def test_another_request_is_never_sent_twice(method: bytes) -> None:
    assert not may_resend(method, 1)


def answer(status: int, *values: bytes, name: bytes = b"WWW-Authenticate") -> ResponseHead:
    fields: list[Field] = [(b"server", b"Server", b"Google Frontend")]
    fields += [make_field(name, value) for value in values]
    return ResponseHead(status, b"", fields)


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        pytest.param(answer(401, FRONT_END), True, id="front end"),
        pytest.param(answer(401, b"Basic realm=x", FRONT_END), True, id="second of two"),
        pytest.param(answer(403, FRONT_END), False, id="another status"),
        pytest.param(answer(401), False, id="no field"),
        pytest.param(answer(401, b'Bearer error="invalid_token"'), False, id="application's own"),
        pytest.param(
            answer(401, FRONT_END.replace(b"invalid_token", b"insufficient_scope")),
            False,
            id="another error",
        ),
        pytest.param(answer(401, FRONT_END, name=b"X-Other"), False, id="another field"),
        pytest.param(
            answer(401, b'Bearer error="invalid_token"', FRONT_END[29:]), False, id="in two halves"
        ),
    ],
)
def test_the_front_ends_rejection_is_told_from_the_applications(
    head: ResponseHead, expected: bool
) -> None:
    assert expected == is_token_rejection(head)


@given(st.integers(100, 599).filter(lambda status: status != 401), st.binary())
def test_no_other_answer_rejects_a_token(status: int, value: bytes) -> None:
    assert not is_token_rejection(answer(status, value, FRONT_END))


@pytest.mark.parametrize(
    ("attempt", "luck", "expected"),
    [(1, 0.5, 0.2), (2, 0.5, 0.4), (3, 0.0, 0.4), (3, 1.0, 1.2), (30, 0.5, 4.0)],
)
def test_pauses_double_up_to_a_bound(attempt: int, luck: float, expected: float) -> None:
    assert pytest.approx(expected) == pause_s(attempt, luck)
