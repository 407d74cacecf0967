import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.config.readers.service_names import name_for, split_name
from authproxy.values import parse_service_name


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://billing-abc123-ew.a.run.app", "billing"),
        ("https://my-billing-7bx3kxq2ta-uc.a.run.app", "my-billing"),
        ("https://canary---billing-abc123-ew.a.run.app", "billing"),
        ("https://billing-123456789012.europe-west1.run.app", "billing"),
        ("https://v2---billing-eu-123456789012.europe-west1.run.app", "billing-eu"),
        ("https://billing-eu.example.com", "billing-eu"),
        ("http://localhost:8000", "localhost"),
        ("http://127.0.0.1:8000", "service"),
        ("http://[::1]:8000", "service"),
        ("https://my_service.internal", "my-service"),
        ("https://_.internal", "service"),
        ("https://lb.example.com/billing", "billing"),
        ("https://lb.example.com/apps/My_Shop/", "my-shop"),
        ("https://lb.example.com/~", "service"),
        ("nonsense", "service"),
    ],
)
def test_a_service_is_called_what_its_owner_calls_it(url: str, expected: str) -> None:
    assert expected == name_for(url)


def test_a_taken_name_gets_the_next_number() -> None:
    assert "billing-3" == name_for("https://billing.example", {"billing", "billing-2"})


@given(st.from_regex(r"[a-z0-9_][a-z0-9_-]{0,61}[a-z0-9_]", fullmatch=True))
def test_a_name_made_from_a_host_is_a_valid_one(label: str) -> None:
    name = name_for(f"https://{label}.example")

    assert name == parse_service_name(name)
    assert parse_service_name(name_for(f"https://{label}.example", {name})) != name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a", (None, "https://a")),
        ("billing=https://a", ("billing", "https://a")),
        (" B x=https://a ", ("B x", "https://a")),
        ("=https://a", ("", "https://a")),
        ("https://a/?b=c", (None, "https://a/?b=c")),
        ("a.example/?b=c", (None, "a.example/?b=c")),
    ],
)
def test_a_name_may_stand_before_the_url(text: str, expected: tuple[str | None, str]) -> None:
    assert expected == split_name(text)
