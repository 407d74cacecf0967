from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.policy.access.networks import AccessList, Address, AddressSet, parse_peer, unmapped
from authproxy.values import LOOPBACK, Network, parse_network

ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
NETWORKS: st.SearchStrategy[Network] = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)).map(
        lambda parts: IPv4Network(parts, strict=False)
    ),
    st.tuples(st.ip_addresses(v=6), st.integers(0, 128)).map(
        lambda parts: IPv6Network(parts, strict=False)
    ),
)

WIDE = st.builds(
    lambda number, length: IPv4Network((number << 28, length), strict=False),
    st.integers(0, 3),
    st.integers(0, 8),
)
"""So few that many of them overlap."""


def mapped(address: IPv4Address) -> IPv6Address:
    return IPv6Address(0xFFFF << 32 | int(address))


@st.composite
def network_lists(draw: st.DrawFn) -> tuple[list[Network], Address]:
    """Networks, and an address that is likely to be in one of them or just beside it."""
    found = draw(st.lists(st.one_of(NETWORKS, WIDE)))
    edges = [
        type(network.network_address)(number)
        for network in found
        for number in (
            int(network.network_address) - 1,
            int(network.network_address),
            int(network.broadcast_address),
            int(network.broadcast_address) + 1,
        )
        if 0 <= number < 1 << network.max_prefixlen
    ]
    address = draw(st.one_of(ADDRESSES, st.sampled_from(edges)) if edges else ADDRESSES)
    return found, address


def networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


@pytest.mark.parametrize(
    ("peername", "expected"),
    [
        pytest.param(("192.0.2.7", 5), IPv4Address("192.0.2.7"), id="IPv4"),
        pytest.param(("2001:db8::1", 5, 0, 0), IPv6Address("2001:db8::1"), id="IPv6"),
        pytest.param(("fe80::1%eth0", 5, 0, 2), IPv6Address("fe80::1"), id="zone"),
        pytest.param(("::ffff:192.0.2.7", 5, 0, 0), IPv4Address("192.0.2.7"), id="mapped"),
        pytest.param("", None, id="Unix socket"),
        pytest.param(b"\0abstract", None, id="abstract Unix socket"),
        pytest.param((), None, id="empty"),
        pytest.param(None, None, id="unknown"),
    ],
)
def test_a_sockets_peer_is_an_address(peername: object, expected: object) -> None:
    assert expected == parse_peer(peername)


@given(st.ip_addresses(v=4))
def test_an_ipv4_mapped_address_is_the_ipv4_address(address: IPv4Address) -> None:
    assert address == parse_peer((str(mapped(address)), 1, 0, 0)) == parse_peer((str(address), 1))


@pytest.mark.parametrize(
    ("address", "allow", "deny", "expected"),
    [
        pytest.param("127.0.0.1", LOOPBACK, (), None, id="loopback"),
        pytest.param("127.9.9.9", LOOPBACK, (), None, id="all of 127.0.0.0/8"),
        pytest.param("::1", LOOPBACK, (), None, id="IPv6 loopback"),
        pytest.param(
            "192.0.2.7",
            LOOPBACK,
            (),
            "192.0.2.7 is not in allow 127.0.0.0/8, ::1/128",
            id="stranger",
        ),
        pytest.param(
            "10.1.0.1",
            networks("10.0.0.0/8"),
            networks("10.1.0.0/16"),
            "10.1.0.1 is in deny 10.1.0.0/16",
            id="allowed and denied",
        ),
        pytest.param("10.2.0.1", networks("10.0.0.0/8"), networks("10.1.0.0/16"), None, id="rest"),
        pytest.param("10.0.0.1", (), (), "10.0.0.1 is not in allow ", id="no rules"),
        pytest.param(
            "10.0.0.1", networks("::/0"), (), "10.0.0.1 is not in allow ::/0", id="families"
        ),
    ],
)
def test_the_rule_that_refuses_an_address_is_named(
    address: str, allow: Sequence[Network], deny: Sequence[Network], expected: str | None
) -> None:
    assert expected == AccessList(allow=allow, deny=deny).find_refusal(ip_address(address))


def test_a_unix_sockets_client_needs_no_address() -> None:
    access = AccessList(allow=(), deny=networks("0.0.0.0/0", "::/0"))

    assert access.find_refusal(None) is None


def is_in(address: Address, found: Iterable[Network]) -> bool:
    """As `ipaddress` sees it, but for what is IPv4 in the spelling of IPv6."""
    address = unmapped(address)
    return any(address in parse_network(str(network)) for network in found)


@given(network_lists())
def test_a_set_of_networks_decides_as_ipaddress_does(case: tuple[list[Network], Address]) -> None:
    found, address = case
    name = AddressSet(found).find(address)

    assert is_in(address, found) == (address in AddressSet(found)) == (name is not None)
    if name is not None:
        assert ip_network(name) in [parse_network(str(network)) for network in found]
        assert unmapped(address) in ip_network(name)


@given(network_lists(), network_lists())
def test_deny_wins_and_what_is_in_no_rule_is_refused(
    allow: tuple[list[Network], Address], deny: tuple[list[Network], Address]
) -> None:
    access = AccessList(allow=allow[0], deny=deny[0])
    for address in (allow[1], deny[1]):
        refusal = access.find_refusal(address)

        denied, allowed = is_in(address, deny[0]), is_in(address, allow[0])
        assert (denied or not allowed) == (refusal is not None)
        assert denied == (refusal is not None and "is in deny" in refusal)


@given(ADDRESSES, NETWORKS)
def test_a_denied_network_lets_no_address_in_that_is_allowed_by_itself(
    address: Address, network: Network
) -> None:
    access = AccessList(allow=[ip_network(address)], deny=[network])

    assert is_in(address, [network]) == (access.find_refusal(address) is not None)


@pytest.mark.parametrize(
    ("network", "address", "expected"),
    [
        ("::ffff:10.0.0.0/104", "10.1.2.3", "10.0.0.0/8"),
        ("::ffff:10.0.0.0/104", "::ffff:10.1.2.3", "10.0.0.0/8"),
        ("10.0.0.0/8", "::ffff:10.1.2.3", "10.0.0.0/8"),
        ("::ffff:0:0/96", "10.1.2.3", "0.0.0.0/0"),
        ("::ffff:0:0/96", "2001:db8::1", None),
        ("::/0", "10.1.2.3", None),
        ("::/0", "::ffff:10.1.2.3", None),
        ("0.0.0.0/0", "::10.1.2.3", None),
        ("0.0.0.0/0", "::", None),
        ("::/0", "::", "::/0"),
        ("fe80::/10", "fe80::1%eth0", "fe80::/10"),
    ],
)
def test_an_ipv4_mapped_network_is_the_ipv4_network(
    network: str, address: str, expected: str | None
) -> None:
    assert expected == AddressSet(networks(network)).find(ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_ipv4_mapped_address_is_refused_as_the_ipv4_address(address: IPv4Address) -> None:
    access = AccessList(allow=networks("0.0.0.0/0"), deny=networks("10.0.0.0/8", "128.0.0.0/1"))

    refused = access.find_refusal(address) is not None
    assert refused == (access.find_refusal(mapped(address)) is not None)


def test_of_networks_within_each_other_the_widest_is_named() -> None:
    found = AddressSet(networks("10.1.0.0/16", "10.0.0.0/8", "10.1.2.3/32", "10.0.0.0/9"))

    assert "10.0.0.0/8" == found.find(ip_address("10.1.2.3"))
    assert 4 == len(found)


def test_an_access_list_shows_its_rules() -> None:
    access = AccessList(allow=LOOPBACK, deny=networks("127.0.0.9/32"))

    assert "<AccessList [allow: 127.0.0.0/8, ::1/128 | deny: 127.0.0.9/32]>" == repr(access)


def test_of_a_long_list_only_the_beginning_is_shown() -> None:
    many = [IPv4Network((number << 8, 24)) for number in range(100_000)]
    access = AccessList(allow=many, deny=networks("::/0", "255.0.0.0/8"))

    shown = "0.0.0.0/24, 0.0.1.0/24, 0.0.2.0/24, 0.0.3.0/24, 0.0.4.0/24, … (100,000 networks)"
    expected = f"192.0.2.7 is not in allow {shown}"
    assert expected == access.find_refusal(ip_address("192.0.2.7"))
    assert f"<AccessList [allow: {shown} | deny: ::/0, 255.0.0.0/8]>" == repr(access)
    assert f"<AddressSet [{shown}]>" == repr(AddressSet(many))
    assert "255.1.1.1 is in deny 255.0.0.0/8" == access.find_refusal(ip_address("255.1.1.1"))
    assert access.find_refusal(ip_address("1.2.3.4")) is None
