"""Parser for the PROXY protocol (v1 and v2), by which a load balancer names its client.

After https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt. Two things are left open there,
and decided here:

- A proxy that does not say who the client is (UNKNOWN, AF_UNSPEC, Unix sockets, datagrams) is not
  believed to be the client itself, as anybody at all may be behind it. Only LOCAL means that, and
  a header that names the proxy's own end of the connection, as HAProxy's checks do in version 1.
  Even then it may be somebody else who asks: HAProxy says LOCAL for clients of its Unix sockets.
- What follows the addresses in v2 (TLVs) is skipped, the checksum too: TCP and TLS have theirs.

Errors are ValueError, with a sentence for the log that quotes a few bytes at most.
"""

import re
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address

from authproxy.policy.access.networks import Address, unmapped

MAX_V1 = 107
"""Bytes (2.1)."""
MAX_V2 = 4096
"""Bytes; with all that is registered, certificates' names included, a header has some hundred."""
SHOWN = 12

_V1 = b"PROXY "
_V2 = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED = 16
"""Bytes of a v2 header before its addresses."""
_ADDRESS = rb"([0-9A-Fa-f:.]+)"
_PORT = rb"(0|[1-9][0-9]{0,4})"
_LINE = re.compile(rb"PROXY TCP([46]) %b %b %b %b\r\n" % (_ADDRESS, _ADDRESS, _PORT, _PORT))
_UNKNOWN = re.compile(rb"PROXY UNKNOWN(?: .*)?\r\n")
_FAMILIES: Mapping[bytes, type[Address]] = {b"4": IPv4Address, b"6": IPv6Address}
_STREAMS: Mapping[int, tuple[type[Address], int]] = {
    0x11: (IPv4Address, 4),
    0x21: (IPv6Address, 16),
}
"""By family and transport: the address, and its size in bytes."""
_NAMELESS = {
    0x00: "AF_UNSPEC",
    0x12: "UDP over IPv4",
    0x22: "UDP over IPv6",
    0x31: "a Unix socket",
    0x32: "a Unix socket",
}
_LOCAL, _PROXY = 0x20, 0x21
_PORTS = 4


def find_length(data: bytes) -> int | None:
    """Bytes of the header that `data` begins with, or of as much of it as is there.

    None says that all of `data` belongs to it and more must come to tell. Raises ValueError.
    """
    if data.startswith(_V2):
        if len(data) < _FIXED:
            return None
        length = _FIXED + int.from_bytes(data[_FIXED - 2 : _FIXED])
        if length > MAX_V2:
            raise ValueError(
                f"its PROXY header says that it has {length} bytes, more than {MAX_V2}"
            )
        return length
    if data.startswith(_V1):
        end = data.find(b"\n", 0, MAX_V1) + 1
        if end == 0 and len(data) >= MAX_V1:
            raise ValueError(f"its PROXY line does not end within {MAX_V1} bytes")
        return end or None
    if not (_V1.startswith(data) or _V2.startswith(data)):
        raise ValueError(f"it begins with {data[:SHOWN]!r} and not with a PROXY header")
    return None


def parse_header(header: bytes) -> Address | None:
    """The client's address, from a whole header; None when it is the proxy itself that asks.

    Raises ValueError.
    """
    return _parse_v2(header) if header.startswith(_V2) else _parse_v1(header)


def parse_port(header: bytes) -> int | None:
    """The client's port, from a whole header that `parse_header` takes; None as there."""
    if not header.startswith(_V2):
        match = _LINE.fullmatch(header)
        return int(match[4]) if match is not None else None
    if header[len(_V2)] == _LOCAL:
        return None
    _, size = _STREAMS[header[len(_V2) + 1]]
    return int.from_bytes(header[_FIXED + 2 * size : _FIXED + 2 * size + 2])


def _parse_v1(line: bytes) -> Address:
    if _UNKNOWN.fullmatch(line):
        raise ValueError("its PROXY header says UNKNOWN where the client's address should be")
    match = _LINE.fullmatch(line)
    if match is None or max(int(match[4]), int(match[5])) > 65535:
        raise ValueError(f"its PROXY line is malformed: {line!r}")
    family = _FAMILIES[match[1]]
    try:
        source, _ = family(match[2].decode()), family(match[3].decode())
    except ValueError:
        raise ValueError(f"its PROXY line is malformed: {line!r}") from None
    return unmapped(source)


def _parse_v2(header: bytes) -> Address | None:
    command, kind = header[len(_V2)], header[len(_V2) + 1]
    if command == _LOCAL:
        return None
    if command != _PROXY:
        raise ValueError(
            f"its PROXY header has version and command {command:#04x}, which does not exist"
        )
    if kind in _NAMELESS:
        raise ValueError(
            f"its PROXY header says {_NAMELESS[kind]} where the client's address should be"
        )
    if kind not in _STREAMS:
        raise ValueError(
            f"its PROXY header has the address family {kind:#04x}, which does not exist"
        )
    family, size = _STREAMS[kind]
    if len(header) < _FIXED + 2 * size + _PORTS:
        raise ValueError("its PROXY header is too short for the addresses that it announces")
    return unmapped(family(header[_FIXED : _FIXED + size]))
