from collections.abc import Callable

import pytest

from authproxy.values import parse_header_line, parse_removed_header


def sentence_of(parse: Callable[[str], object], text: str) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the whole sentence is compared
        parse(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("X-Env: test", ("X-Env", "test")),
        ("x:", ("x", "")),
        (" A : b: c ", ("A", "b: c")),
        ("User-Agent: mine/1", ("User-Agent", "mine/1")),
        ("Accept-Language: de", ("Accept-Language", "de")),
        ("X-Forwarded-Port: 443", ("X-Forwarded-Port", "443")),
        ("X-Forwarded-Email: me@example.com", ("X-Forwarded-Email", "me@example.com")),
        ("X-Real-IP: 192.0.2.7", ("X-Real-IP", "192.0.2.7")),
        ("X-Atlassian-Token: no-check", ("X-Atlassian-Token", "no-check")),
        ("Cache-Control: no-cache", ("Cache-Control", "no-cache")),
    ],
)
def test_what_does_no_harm_can_be_set(text: str, expected: tuple[str, str]) -> None:
    assert expected == parse_header_line(text)


OWN = "authproxy writes it itself, for its own connection to the service"
FRAMING = "it says where the body of each request ends"
BODY = "it says what the body of each request is, which only its client knows"
CLIENT = "authproxy writes it itself, from what it knows of each client"
SEE_HOST = "authproxy writes it itself; see forwarded_host"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Host", "it is the address in url"),
        ("HOST", "it is the address in url"),
        ("Connection", OWN),
        ("Upgrade", OWN),
        ("Content-Length", FRAMING),
        ("content_length", FRAMING),
        ("Content-Type", BODY),
        ("Cookie", "it would replace all cookies of the client"),
        ("X-Forwarded-For", CLIENT),
        ("X_Forwarded_For", CLIENT),
        ("Forwarded", CLIENT),
        ("X-Forwarded-Host", SEE_HOST),
        ("X-Forwarded-Proto", SEE_HOST),
        ("X-Forwarded-Prefix", "authproxy writes it itself; see strip_path"),
        ("Expect", "the service would be asked for an answer that the client does not wait for"),
        (
            "Proxy-Authorization",
            "it is for a proxy; the one on the way out has its own in egress_proxy",
        ),
        (
            "Sec-WebSocket-Key",
            "it belongs to the handshake of a WebSocket, which its client makes",
        ),
    ],
)
def test_what_cannot_be_set_is_refused_with_its_reason(name: str, why: str) -> None:
    assert f"{name} cannot be set: {why}" == sentence_of(parse_header_line, f"{name}: a")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("X-Env", 'this is not a header; write it as in "X-Environment: test"'),
        ("X Env: a", 'this is not a header; write it as in "X-Environment: test"'),
        ("X-Env: a\r\nX: b", "the value of X-Env is not printable ASCII"),
        ("X-Env: \u00e4", "the value of X-Env is not printable ASCII"),
    ],
)
def test_what_is_no_header_for_every_request_is_refused(text: str, sentence: str) -> None:
    assert sentence == sentence_of(parse_header_line, text)


@pytest.mark.parametrize(
    "name", ["X-Auth-Token", "Authorization", "X-Api-Key", "X-ApiKey", "X-Password", "My-Secret"]
)
def test_what_looks_like_a_secret_has_a_place_of_its_own(name: str) -> None:
    assert (
        f"{name} looks like a secret, which must not be written here; write"
        f' secret_headers = ["{name}: env:NAME"]'
    ) == sentence_of(parse_header_line, f"{name}: hunter2")


@pytest.mark.parametrize("name", ["X-Debug", "Cookie", "Authorization", "Content-Type", "Referer"])
def test_what_a_client_sends_can_be_left_out(name: str) -> None:
    assert name == parse_removed_header(name)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Host", "Host cannot be removed: it is the address in url"),
        ("Content-Length", f"Content-Length cannot be removed: {FRAMING}"),
        ("X-Forwarded-For", f"X-Forwarded-For cannot be removed: {CLIENT}"),
        ("X-Debug: hunter2", "this is not the name of a header; write it as in X-Debug"),
        ("", "this is not the name of a header; write it as in X-Debug"),
    ],
)
def test_what_cannot_be_left_out_is_refused_with_its_reason(name: str, sentence: str) -> None:
    assert sentence == sentence_of(parse_removed_header, name)
