import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.values.hosts import (
    bracketed,
    canonical,
    is_host,
    is_ipv4,
    is_ipv6,
    is_loopback,
    parse_port,
    split_authority,
)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("a.example", "a.example", ""),
        ("a.example:80", "a.example", "80"),
        ("[::1]", "::1", ""),
        ("[::1]:80", "::1", "80"),
        (":80", "", "80"),
        ("a:", "", ""),
        ("[::1]:", "", ""),
        ("[::1", "", ""),
        ("[::1]80", "", ""),
        ("[a.example]:80", "", ""),
    ],
)
def test_an_authority_is_a_host_and_a_port(text: str, host: str, port: str) -> None:
    assert (host, port) == split_authority(text)


@pytest.mark.parametrize(
    "text", ["localhost", "a.example.", "my_host", "127.0.0.1", "::1", "1.example", "a" * 63]
)
def test_names_and_addresses_are_hosts(text: str) -> None:
    assert is_host(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a..b",
        "-a",
        "a-",
        "a b",
        "a/b",
        "a" * 64,
        "b.".join(["a" * 60] * 5),
        "10.0.0",
        "127.1",
        "1.2.3.256",
        "8080",
        "fe80::1%eth0",
        "bücher.example",
        "a\n",
    ],
)
def test_what_no_resolver_should_be_asked_for_is_no_host(text: str) -> None:
    assert not is_host(text)


@pytest.mark.parametrize("text", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_loopback_hosts(text: str) -> None:
    assert is_loopback(text)


@pytest.mark.parametrize(
    "text",
    ["127.evil.example", "localhost.evil.example", "0.0.0.0", "::", "::ffff:10.0.0.1", "10.0.0.1"],
)
def test_loopback_lookalikes_are_not_loopback(text: str) -> None:
    assert not is_loopback(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("A.Example.", "a.example"), ("0:0::1", "::1"), ("2001:DB8::0:1", "2001:db8::1")],
)
def test_a_host_has_one_spelling(text: str, expected: str) -> None:
    assert expected == canonical(text)


@given(st.text())
def test_a_canonical_host_is_canonical(text: str) -> None:
    if is_host(text):
        assert canonical(text) == canonical(canonical(text))


def test_the_two_kinds_of_address_are_told_apart() -> None:
    expected = [(True, False), (False, True), (False, False)]

    assert expected == [(is_ipv4(text), is_ipv6(text)) for text in ("1.2.3.4", "::1", "a")]


@given(st.integers(min_value=0, max_value=65535))
def test_every_port_is_read(port: int) -> None:
    assert port == parse_port(str(port))


@pytest.mark.parametrize("text", ["65536", "-1", "", "8o80", "٨٠", "9" * 5000, "+1"])
def test_what_is_no_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a port; write a number from 0 to 65535"):
        parse_port(text)


@pytest.mark.parametrize(
    ("host", "shown"), [("a.example", "a.example"), ("10.0.0.1", "10.0.0.1"), ("::1", "[::1]")]
)
def test_an_address_with_colons_stands_in_brackets_before_a_port(host: str, shown: str) -> None:
    assert shown == bracketed(host)
    assert (host, "80") == split_authority(f"{shown}:80")
