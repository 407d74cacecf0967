import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.values import EgressSpec, parse_egress, parse_egress_url

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://proxy:3128", "http://proxy:3128"),
        ("HTTP://Proxy.Example./", "http://proxy.example:80"),
        ("https://proxy", "https://proxy:443"),
        ("proxy:3128", "http://proxy:3128"),
        ("http://[::1]:3128", "http://[::1]:3128"),
        (f"http://me:{SECRET}@proxy:1", "http://proxy:1"),
        (f"me:{SECRET}@proxy:1", "http://proxy:1"),
    ],
)
def test_the_address_of_a_proxy_is_shown_without_its_user(text: str, expected: str) -> None:
    proxy = parse_egress_url(text, source="HTTPS_PROXY")

    assert expected == str(proxy)
    assert SECRET not in repr(proxy)
    assert "HTTPS_PROXY" == proxy.source


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"socks5://me:{SECRET}@proxy:1080", "this is not an HTTP proxy but socks5://; write http"),
        (f"{SECRET}//://x", "this is not an HTTP proxy; write http://PROXY:3128, or https:// for"),
        ("", "this is not the address of a proxy; write http://PROXY:3128"),
        (f"http://me:{SECRET}@", "this is not the address of a proxy; "),
        (f"http://me:{SECRET}@proxy:1/path", "this is not the address of a proxy; "),
        (f"http://me:{SECRET}é@proxy:1", "this is not the address of a proxy; "),
        (f"http://me:{SECRET}\n@proxy:1", "this is not the address of a proxy; "),
        ("http://proxy:0", "the port must be a number from 1 to 65535"),
        ("http://proxy:99999", '"99999" is not a port; write a number from 0 to 65535'),
    ],
)
def test_what_is_no_proxy_is_told_without_repeating_it(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- its text is compared below
        parse_egress_url(text)

    assert str(caught.value).startswith(message)
    assert SECRET not in str(caught.value)


def test_user_and_password_are_percent_decoded() -> None:
    proxy = parse_egress_url("http://m%C3%A9:p%40ss:w%2Ford@proxy:1")
    word, _, pair = proxy.authorization.reveal().partition(" ")

    assert "Basic" == word
    assert "mé:p@ss:w/ord" == base64.b64decode(pair).decode()
    assert "http://m%C3%A9:p%40ss:w%2Ford@proxy:1" == proxy.url.reveal()


def test_a_user_without_password_has_an_empty_one() -> None:
    proxy = parse_egress_url("http://token@proxy:1")

    assert "Basic " + base64.b64encode(b"token:").decode() == proxy.authorization.reveal()


def test_no_user_means_no_authorization() -> None:
    assert not parse_egress_url("http://proxy:1").authorization
    assert "http://proxy:1" == parse_egress_url("proxy:1").url.reveal()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", EgressSpec("auto")),
        (" None ", EgressSpec("none")),
        ("proxy:3128", EgressSpec("url", "http://proxy:3128")),
        ("https://proxy", EgressSpec("url", "https://proxy:443")),
        ("env:MY_PROXY", EgressSpec("env", "MY_PROXY")),
        ("file:/run/proxy", EgressSpec("file", "/run/proxy")),
    ],
)
def test_each_choice_is_written_in_its_way(text: str, expected: EgressSpec) -> None:
    assert expected == parse_egress(text)
    assert expected == parse_egress(str(expected))


def test_a_password_is_not_written_in_clear() -> None:
    with pytest.raises(ValueError, match=r"^a password must not be written here; ") as caught:
        parse_egress(f"http://me:{SECRET}@proxy:1")

    assert SECRET not in str(caught.value)


@given(st.text())
def test_any_text_is_a_proxy_or_a_sentence(text: str) -> None:
    try:
        found = parse_egress_url(text)
    except ValueError:
        return
    assert found.authorization.reveal().isprintable()
    assert str(found) == str(parse_egress_url(str(found)))
