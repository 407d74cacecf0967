import pytest

from authproxy.embedding.message_heads import Mount, fields_to_return, fields_to_send, head_of
from authproxy.errors import Refused
from authproxy.policy.messages.headers import service_rules
from authproxy.values import parse_origin

RULES = service_rules(authority="billing.example", token_header="auto")
MOUNT = Mount(origin=parse_origin("https://billing.example"), rules=RULES, prefix=b"/api")
BELOW = Mount(origin=parse_origin("https://billing.example/base"), rules=RULES, prefix=b"/api")
AT_ROOT = Mount(origin=parse_origin("https://billing.example"), rules=RULES, prefix=b"")


@pytest.mark.parametrize(
    ("mount", "path", "target"),
    [
        (MOUNT, "/api/a?b=%20", "/a?b=%20"),
        (MOUNT, "/api", "/"),
        (MOUNT, "/api?q", "/?q"),
        (MOUNT, "/api//a", "//a"),
        (BELOW, "/api/a", "/base/a"),
        (AT_ROOT, "/a", "/a"),
    ],
)
def test_what_is_below_the_prefix_is_asked_for(mount: Mount, path: str, target: str) -> None:
    assert target == mount.target(path)


@pytest.mark.parametrize(
    "path",
    [
        "/other",
        "/apis/a",
        "/%61pi/a",
        "http://evil.example/api/a",
        "*",
        "",
        "/api/a#b",
        "/api/../a",
        "/api/%2e%2e/a",
        "/api/..%2fa",
        "/api/a/..;/../../b",
    ],
)
def test_nothing_else_is(path: str) -> None:
    with pytest.raises(Refused):
        MOUNT.target(path)


def sent(*fields: tuple[bytes, bytes]) -> dict[str, str]:
    head = head_of("POST", "/", "1.1", [(b"Host", b"www.example.com"), *fields])
    return dict(fields_to_send(head, MOUNT, "www.example.com", "192.0.2.7"))


def test_fields_of_the_connection_stay_and_what_names_us_names_the_service() -> None:
    found = sent(
        (b"Connection", b"X-Hop"),
        (b"X-Hop", b"1"),
        (b"Keep-Alive", b"1"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Expect", b"100-continue"),
        (b"Proxy-Authorization", b"x"),
        (b"Forwarded", b"for=evil"),
        (b"X-Forwarded-For", b"evil"),
        (b"Origin", b"http://www.example.com"),
        (b"Referer", b"https://www.example.com/api/page"),
        (b"X-Mixed-Case", b"as it came: 1"),
        (b"X-Latin", b"\xe4"),
    )

    assert found == {
        "Origin": "https://billing.example",
        "Referer": "https://billing.example/page",
        "X-Mixed-Case": "as it came: 1",
        "X-Latin": "ä",
        "X-Forwarded-For": "192.0.2.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "billing.example",
        "X-Forwarded-Prefix": "/api",
    }


def test_a_body_that_is_framed_twice_is_refused() -> None:
    with pytest.raises(Refused):
        sent((b"Content-Length", b"1"), (b"Transfer-Encoding", b"chunked"))


@pytest.mark.parametrize(
    ("location", "leads"),
    [
        (b"/a", "/api/a"),
        (b"https://billing.example/a", "/api/a"),
        (b"http://billing.example/a", "/api/a"),
        (b"/api/a", "/api/a"),
        (b"https://www.example.com/api/a", "/api/a"),
        (b"https://other.example/a", "https://other.example/a"),
        (b"a", "a"),
    ],
)
def test_redirects_are_right_for_the_client(location: bytes, leads: str) -> None:
    home = MOUNT.home("www.example.com")

    assert [("Location", leads)] == fields_to_return(302, [(b"Location", location)], home)


def test_nothing_of_an_answer_speaks_in_our_name_or_leads_past_us() -> None:
    raw = [
        (b"Alt-Svc", b"h3"),
        (b"X-Authproxy-Error", b"made_up"),
        (b"X-Authproxy-Hint", b"rm -rf"),
        (b"Connection", b"close"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Set-Cookie", b"a=1; Path=/; Secure; Domain=billing.example"),
        (b"ETag", b'"1"'),
    ]
    found = fields_to_return(200, raw, MOUNT.home("www.example.com"))

    assert ["Set-Cookie", "ETag"] == [name for name, _ in found]
    assert "Domain" not in found[0][1]
    assert found[0][1].startswith("a=1; Path=/api")
