from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.values import Network, find_host_bits, parse_network, parse_network_of_clients


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.7", IPv4Network("192.0.2.7/32")),
        ("10.1.2.3/8", IPv4Network("10.0.0.0/8")),
        ("2001:db8::/32", IPv6Network("2001:db8::/32")),
        ("::ffff:10.0.0.0/104", IPv4Network("10.0.0.0/8")),
        ("::1:10.0.0.0/104", IPv6Network("::1:a00:0/104")),
    ],
)
def test_a_network_is_read(text: str, expected: Network) -> None:
    assert expected == parse_network(text)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", ""),
        ("fe80::1%eth0", "; without the zone: fe80::1"),
        ("1/2/3", ""),
        ("10/8", '; did you mean "10.0.0.0/8"?'),
        ("10.0.*.*", '; did you mean "10.0.0.0/16"?'),
        ("10.0.0.0 - 10.0.0.255", '; did you mean "10.0.0.0/24"?'),
        ("10.0.0.1:80", '; did you mean "10.0.0.1"?'),
        ("[::1]:80", '; did you mean "::1"?'),
        ("10.0.0.0/33", "; the number behind the slash is 32 at most"),
        ("::/129", "; the number behind the slash is 128 at most"),
        ("10.0.0.1 10.0.0.2", "; write each on a line of its own"),
        ("localhost", "; names are not looked up here: write 127.0.0.1 and ::1"),
        ("a.example.com", "; names are not looked up here: write its address"),
    ],
)
def test_what_is_no_network_is_refused_with_what_was_meant(text: str, advice: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the whole sentence is compared
        parse_network(text)

    assert (
        f'"{text}" is not an address or a CIDR range; write 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32'
        f"{advice}" == str(caught.value)
    )


@pytest.mark.parametrize("text", ["0.0.0.0", "::", "0.0.0.0/32", "::/128"])
def test_the_address_of_nobody_is_none_of_a_client(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no client's address; write .+/0 for all"):
        parse_network_of_clients(text)
    assert parse_network_of_clients(text.partition("/")[0] + "/0").prefixlen == 0


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("10.0.0.0/8", None),
        ("10.1.2.3", None),
        ("fe80::1/64", "fe80::/64"),
    ],
)
def test_an_address_with_the_length_of_a_range_is_noticed(text: str, meant: str | None) -> None:
    found = find_host_bits(text)

    assert meant == (str(found) if found else None)


@given(text=st.text() | st.text(alphabet="/[]:.%0123456789abf- *"))
def test_nothing_but_a_value_error_comes_of_any_text(text: str) -> None:
    with suppress(ValueError):
        parse_network(text)


@given(st.ip_addresses(v=4), st.integers(min_value=0, max_value=32))
def test_a_mapped_range_holds_the_same_addresses(address: object, prefix: int) -> None:
    plain, mapped = f"{address}/{prefix}", f"::ffff:{address}/{96 + prefix}"

    assert parse_network(plain) == parse_network(mapped)
    assert ip_address(str(address)) in parse_network(plain)
