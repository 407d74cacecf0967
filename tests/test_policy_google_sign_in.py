from urllib.parse import quote

import pytest

from authproxy.exchange import ResponseHead, make_field
from authproxy.policy.google.sign_in import find_way_back, leads_to_sign_in, local_way_back
from authproxy.policy.messages.origin_mapping import Home

SERVICE = "https://billing.run.app"
HOME = Home(services=(SERVICE.encode(), b"https://b.example"), client=b"http://localhost:8080")
SIGN_IN = "https://accounts.google.com/o/oauth2/v2/auth?client_id=x&redirect_uri="


def found(location: str, status: int = 302) -> str | None:
    head = ResponseHead(status, b"", [make_field(b"Location", location.encode())])
    return find_way_back(head, HOME)


@pytest.mark.parametrize("back", [f"{SERVICE}/callback", "https://b.example/oauth?x=1", SERVICE])
@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_way_back_to_the_service_itself_is_found(back: str, status: int) -> None:
    assert back == found(SIGN_IN + quote(back, safe=""), status)


@pytest.mark.parametrize(
    "location",
    [
        SIGN_IN + quote("http://localhost:8080/callback", safe=""),
        SIGN_IN + quote("https://billing.run.app.evil.example/", safe=""),
        SIGN_IN.replace("accounts.google.com", "accounts.google.com.evil.example")
        + quote(SERVICE, safe=""),
        "https://accounts.google.com/",
        f"/login?redirect_uri={SERVICE}",
        f"{SIGN_IN}a&redirect_uri={SERVICE}",
        "https://[::1/?redirect_uri=x",
        "",
    ],
)
def test_all_other_redirects_are_nobodys_business(location: str) -> None:
    assert found(location) is None


def test_an_answer_that_is_no_redirect_is_none() -> None:
    assert found(SIGN_IN + quote(SERVICE, safe=""), 200) is None
    assert find_way_back(ResponseHead(302, b"", []), HOME) is None


def test_the_way_back_by_authproxy_has_its_origin_and_prefix() -> None:
    assert "http://localhost:8080/callback" == local_way_back(f"{SERVICE}/callback?x=1", HOME)
    prefixed = Home(services=HOME.services, client=HOME.client, prefix=b"/billing")
    assert "http://localhost:8080/billing/" == local_way_back(SERVICE, prefixed)


def test_a_service_below_a_path_has_its_way_back_there_only() -> None:
    home = Home(services=(b"https://lb.example/apps/a",), client=b"http://localhost:8080")

    def found_at(back: str) -> str | None:
        to = SIGN_IN + quote(back, safe="")
        head = ResponseHead(302, b"", [make_field(b"Location", to.encode())])
        return find_way_back(head, home)

    back = "https://lb.example/apps/a/callback"
    assert back == found_at(back)
    assert "http://localhost:8080/callback" == local_way_back(back, home)
    assert found_at("https://lb.example/callback") is None


@pytest.mark.parametrize(
    ("status", "location", "expected"),
    [
        (302, b"https://accounts.google.com/o/oauth2/v2/auth?x=y", True),
        (307, b"https://accounts.google.com/", True),
        (200, b"https://accounts.google.com/", False),
        (302, b"https://accounts.google.com.evil.example/", False),
        (302, b"/login", False),
        (302, b"https://[", False),
        (302, b"\xff", False),
    ],
)
def test_a_redirect_to_sign_in_is_told_by_its_host(
    status: int, location: bytes, expected: bool
) -> None:
    head = ResponseHead(status, b"", [make_field(b"Location", location)])

    assert expected == leads_to_sign_in(head)
