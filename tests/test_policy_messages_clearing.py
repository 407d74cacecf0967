"""Clear-Site-Data: what is the service's own may be cleared, and nobody else's cookies."""

import pytest

from authproxy.policy.messages.clearing import local_clearing, shares_cookies

PLAIN = b"http://localhost:8080"


@pytest.mark.parametrize(
    ("client", "mark", "expected"),
    [
        (PLAIN, b"", True),
        (b"http://localhost", b"", True),
        (b"https://localhost", b"", True),
        (b"http://billing.localhost:8080", b"", True),
        (b"https://127.0.0.1", b"", True),
        (b"https://192.168.0.7", b"", True),
        (b"https://[::1]", b"", True),
        (b"https://proxy.example:8443", b"", True),
        (b"http://proxy.example", b"", True),
        (b"https://proxy.example", b"billing", True),
        (b"https://proxy.example", b"", False),
        (b"https://proxy.example:443", b"", False),
    ],
)
def test_cookies_are_shared_by_all_ports_of_a_host(
    client: bytes, mark: bytes, *, expected: bool
) -> None:
    assert expected is shares_cookies(client, mark)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'"cookies"', None),
        (b'"cookies", "storage"', b'"storage"'),
        (b'"cache" ,"cookies","executionContexts"', b'"cache", "executionContexts"'),
        (b'"storage:drafts"', b'"storage:drafts"'),
        (b'"what is to come"', None),
        (b"cookies", None),
        (b"", None),
    ],
)
def test_where_they_are_cookies_are_not_cleared(value: bytes, expected: bytes | None) -> None:
    assert expected == local_clearing(value, PLAIN, b"")
    assert value == local_clearing(value, b"https://proxy.example", b"")


def test_everything_is_all_but_cookies() -> None:
    found = local_clearing(b'"*"', PLAIN, b"")

    assert found is not None
    assert b'"storage"' in found
    assert b"cookies" not in found
    assert b"*" not in found
