import pytest

from authproxy.errors import Code
from authproxy.policy.access.health import health_answer

PATHS = frozenset([b"/", b"/healthz"])


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        (b"GET", b"/healthz", Code.HEALTHY),
        (b"HEAD", b"/healthz", Code.HEALTHY),
        (b"OPTIONS", b"/", Code.HEALTHY),
        (b"OPTIONS", b"*", Code.HEALTHY),
        (b"GET", b"/healthz?from=lb", Code.HEALTHY),
        (b"GET", b"http://lb/healthz", Code.HEALTHY),
        (b"POST", b"/healthz", Code.PROXY_ITSELF),
        (b"GET", b"/healthz/", Code.PROXY_ITSELF),
        (b"GET", b"/healthz/../admin", Code.PROXY_ITSELF),
        (b"GET", b"/%68ealthz", Code.PROXY_ITSELF),
        (b"GET", b"/x", Code.PROXY_ITSELF),
        (b"GET", b"*", Code.BAD_REQUEST),
    ],
)
def test_only_whether_we_live_is_answered(method: bytes, target: bytes, expected: Code) -> None:
    assert expected == health_answer(method, target, PATHS).code


def test_what_may_be_asked_is_said() -> None:
    assert "may ask for /, /healthz." in health_answer(b"GET", b"/x", PATHS).hint
