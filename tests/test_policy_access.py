from collections.abc import Sequence
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

from authproxy.policy.access import AccessList, parse_peer
from authproxy.values import LOOPBACK, Network

ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
NETWORKS: st.SearchStrategy[Network] = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)).map(
        lambda parts: IPv4Network(parts, strict=False)
    ),
    st.tuples(st.ip_addresses(v=6), st.integers(0, 128)).map(
        lambda parts: IPv6Network(parts, strict=False)
    ),
)


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
    mapped = IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)

    assert address == parse_peer((str(mapped), 1, 0, 0)) == parse_peer((str(address), 1))


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
            "192.0.2.7 is in none of allow 127.0.0.0/8, ::1/128",
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
        pytest.param("10.0.0.1", (), (), "10.0.0.1 is in none of allow ", id="no rules"),
        pytest.param(
            "10.0.0.1", networks("::/0"), (), "10.0.0.1 is in none of allow ::/0", id="families"
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


@given(ADDRESSES, st.lists(NETWORKS), st.lists(NETWORKS))
def test_deny_wins_and_what_is_in_no_rule_is_refused(
    address: IPv4Address | IPv6Address, allow: list[Network], deny: list[Network]
) -> None:
    refusal = AccessList(allow=allow, deny=deny).find_refusal(address)

    denied = any(address in network for network in deny)
    allowed = any(address in network for network in allow)
    assert (denied or not allowed) == (refusal is not None)
    assert denied == (refusal is not None and "is in deny" in refusal)


@given(ADDRESSES, NETWORKS)
def test_a_denied_network_lets_no_address_in_that_is_allowed_by_itself(
    address: IPv4Address | IPv6Address, network: Network
) -> None:
    access = AccessList(allow=[ip_network(address)], deny=[network])

    assert (address in network) == (access.find_refusal(address) is not None)


def test_an_access_list_shows_its_rules() -> None:
    access = AccessList(allow=LOOPBACK, deny=networks("127.0.0.9/32"))

    assert "<AccessList [allow: 127.0.0.0/8, ::1/128 | deny: 127.0.0.9/32]>" == repr(access)
