import pytest

from authproxy.errors import Code, Refused
from authproxy.policy.access.health import HealthProbe, health_answer

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


@pytest.mark.parametrize(
    ("method", "target", "answered"),
    [
        (b"GET", b"/up", True),
        (b"HEAD", b"/up", True),
        (b"GET", b"/up?from=kubelet", True),
        (b"POST", b"/up", False),
        (b"OPTIONS", b"/up", False),
        (b"GET", b"/up/", False),
        (b"GET", b"/upper", False),
        (b"GET", b"/", False),
        (b"GET", b"/%75p", False),
        (b"GET", b"/x/../up", False),
    ],
)
def test_everybody_may_ask_at_one_path_exactly(
    method: bytes, target: bytes, answered: bool
) -> None:
    codes = []
    for is_ready in (True, False):
        try:
            HealthProbe(b"/up", lambda ready=is_ready: ready).check(method, target)  # type: ignore[misc]  # -- bound now
        except Refused as refused:
            codes.append((refused.code, refused.status))

    assert ([(Code.HEALTHY, 200), (Code.NOT_READY, 503)] if answered else []) == codes
