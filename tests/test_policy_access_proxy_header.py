import socket
import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.policy.access.networks import Address
from authproxy.policy.access.proxy_header import MAX_V2, find_length, parse_header, parse_port
from tests.support.proxy_header import SIGNATURE, v1, v2, v2_for

CLIENT = ip_address("192.0.2.7")


def told(header: bytes) -> Address | None:
    """What a header says, taken off what follows it."""
    length = find_length(header + b"GET / HTTP/1.1\r\n")
    assert len(header) == length
    return parse_header(header)


def complaint(header: bytes) -> str:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the whole sentence is compared
        told(header)
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\n", "192.0.2.7"),
        (b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255"),
        (b"PROXY TCP6 2001:db8::7 2001:DB8::1 0 443\r\n", "2001:db8::7"),
        (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 443\r\n", "192.0.2.7"),
        (b"PROXY TCP6 " + (b"ffff:" * 7 + b"ffff ") * 2 + b"65535 65535\r\n", "ffff:" * 7 + "ffff"),
    ],
)
def test_a_line_names_the_client(line: bytes, expected: str) -> None:
    assert ip_address(expected) == told(line)


@pytest.mark.parametrize(
    "line",
    [
        b"PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 56324\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 56324 443 \r\n",
        b"PROXY TCP4  192.0.2.7 10.0.0.1 56324 443\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 056324 443\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 65536 443\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.1 1 65536\r\n",
        b"PROXY TCP4 192.0.2.07 10.0.0.1 1 443\r\n",
        b"PROXY TCP4 192.0.2.7 10.0.0.256 1 443\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 1 443\r\n",
        b"PROXY TCP6 192.0.2.7 10.0.0.1 1 443\r\n",
        b"PROXY TCP6 fe80::7%eth0 ::1 1 443\r\n",
        b"PROXY TCP5 192.0.2.7 10.0.0.1 1 443\r\n",
        b"PROXY tcp4 192.0.2.7 10.0.0.1 1 443\r\n",
        b"PROXY UNKNOWNS\r\n",
        b"PROXY UNKNOWN\n",
        b"PROXY \r\n",
    ],
)
def test_a_malformed_line_is_shown(line: bytes) -> None:
    assert f"its PROXY line is malformed: {line!r}" == complaint(line)


@pytest.mark.parametrize(
    "header",
    [b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN " + b"f" * 91 + b"\r\n"],
)
def test_a_line_that_does_not_know_the_client_names_nobody(header: bytes) -> None:
    expected = "its PROXY header says UNKNOWN where the client's address should be"

    assert expected == complaint(header)


def test_a_line_without_an_end_is_not_waited_for_forever() -> None:
    assert find_length(b"PROXY TCP4 " + b"1" * 95) is None
    expected = "its PROXY line does not end within 107 bytes"
    assert expected == complaint(b"PROXY TCP4 " + b"1" * 95 + b"\r\n")


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), st.binary(max_size=300))
def test_a_binary_header_names_the_client_whatever_follows_the_addresses(
    client: Address, extra: bytes
) -> None:
    mapped = client.ipv4_mapped if isinstance(client, IPv6Address) else None

    assert (mapped or client) == told(v2_for(client, extra))


@pytest.mark.parametrize("kind", [0x00, 0x11, 0x31, 0xFF])
@pytest.mark.parametrize("rest", [b"", bytes(12), bytes(216)])
def test_local_means_the_proxy_itself(kind: int, rest: bytes) -> None:
    assert told(v2(0x20, kind, rest)) is None


@pytest.mark.parametrize(
    ("command", "kind", "rest", "expected"),
    [
        (0x21, 0x00, b"", "its PROXY header says AF_UNSPEC where the client's address should be"),
        (
            0x21,
            0x12,
            bytes(12),
            "its PROXY header says UDP over IPv4 where the client's address should be",
        ),
        (
            0x21,
            0x31,
            bytes(216),
            "its PROXY header says a Unix socket where the client's address should be",
        ),
        (
            0x21,
            0x10,
            bytes(12),
            "its PROXY header has the address family 0x10, which does not exist",
        ),
        (
            0x22,
            0x11,
            bytes(12),
            "its PROXY header has version and command 0x22, which does not exist",
        ),
        (
            0x11,
            0x11,
            bytes(12),
            "its PROXY header has version and command 0x11, which does not exist",
        ),
        (
            0x21,
            0x11,
            bytes(11),
            "its PROXY header is too short for the addresses that it announces",
        ),
        (
            0x21,
            0x21,
            bytes(35),
            "its PROXY header is too short for the addresses that it announces",
        ),
        (
            0x21,
            0x11,
            bytes(MAX_V2 - 15),
            "its PROXY header says that it has 4097 bytes, more than 4096",
        ),
    ],
)
def test_a_binary_header_that_names_nobody_is_refused(
    command: int, kind: int, rest: bytes, expected: str
) -> None:
    assert expected == complaint(v2(command, kind, rest))


@pytest.mark.parametrize(
    ("header", "port"),
    [
        (b"PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\n", 56324),
        (v2_for(CLIENT), 56324),
        (v2_for(ip_address("2001:db8::7"), b"more"), 56324),
        (v2(0x20, 0x11, bytes(12)), None),
    ],
)
def test_a_header_names_the_clients_port(header: bytes, port: int | None) -> None:
    assert port == parse_port(header)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1", b"\x16\x03\x01", b"PROXYZ", b"\r\n\r\nX"])
def test_what_is_no_header_is_known_at_once(data: bytes) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 -- the whole sentence is compared
        find_length(data)

    assert f"it begins with {data[:12]!r} and not with a PROXY header" == str(caught.value)


@pytest.mark.parametrize(
    "header",
    [v1("192.0.2.7"), v2_for(CLIENT), v2_for(CLIENT, bytes(100)), v2(0x20, 0, b"")],
)
def test_a_header_may_come_byte_by_byte(header: bytes) -> None:
    lengths = [find_length(header[:end]) for end in range(len(header) + 1)]

    assert {None, len(header)} >= set(lengths)
    assert len(header) == lengths[-1]


@given(st.binary(max_size=60).map(lambda rest: SIGNATURE + rest) | st.binary(max_size=120))
def test_any_bytes_are_a_header_or_a_value_error(data: bytes) -> None:
    try:
        length = find_length(data)
        source = parse_header(data[:length]) if length is not None else None
    except ValueError:
        return

    assert source is None or isinstance(source, IPv4Address | IPv6Address)


def test_the_headers_of_these_tests_are_those_of_the_specification() -> None:
    expected = struct.pack(
        "!12sBBH4s4sHH",
        b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a",
        0x21,
        0x11,
        12,
        socket.inet_aton("192.0.2.7"),
        socket.inet_aton("10.0.0.1"),
        56324,
        443,
    )

    assert expected == v2_for(CLIENT)
