import pytest

from authproxy.policy.retry import IDEMPOTENT, may_resend, pause_s


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"])
def test_an_idempotent_request_is_sent_once_more_and_not_twice(method: bytes) -> None:
    assert method in IDEMPOTENT
    assert [True, False, False] == [may_resend(n, is_safe=True) for n in (1, 2, 3)]


@pytest.mark.parametrize("method", [b"POST", b"PATCH", b"get", b"CONNECT", b"PROPFIND", b""])
def test_another_request_is_never_sent_twice(method: bytes) -> None:
    assert method not in IDEMPOTENT
    assert not may_resend(1, is_safe=False)


@pytest.mark.parametrize(
    ("attempt", "jitter", "expected"),
    [(1, 0.5, 0.2), (2, 0.5, 0.4), (3, 0.0, 0.4), (3, 1.0, 1.2), (30, 0.5, 4.0)],
)
def test_pauses_double_up_to_a_bound(attempt: int, jitter: float, expected: float) -> None:
    assert pytest.approx(expected) == pause_s(attempt, jitter)
