"""Access by network address."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from authproxy.values import Network

Address = IPv4Address | IPv6Address

SHOWN = 5
"""So many networks stand in a message; longer lists are cut."""

_MAPPED = 0xFFFF
"""What stands before an IPv4 address in an IPv4-mapped one (RFC 4291 2.5.5.2)."""


def parse_peer(peername: object) -> Address | None:
    """A socket's peer as an address; None for a Unix socket.

    An IPv4-mapped IPv6 address is the IPv4 one, so that a rule for 10.0.0.0/8 also holds on a
    dual-stack listener. A zone (`fe80::1%eth0`) is dropped: rules are written without one.
    """
    if not isinstance(peername, tuple) or not peername:
        return None
    return _parse(str(peername[0]))


@lru_cache(maxsize=256)
def _parse(host: str) -> Address:
    """Services and clients come again, and each connection asks several times."""
    return unmapped(ip_address(host.partition("%")[0]))


def unmapped(address: Address) -> Address:
    """An IPv4-mapped IPv6 address is the IPv4 one."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


class AddressSet:
    """Networks, among which the one that holds an address is found in logarithmic time.

    IPv4-mapped addresses and networks are IPv4 ones, so `::/0` holds all of IPv6 and none of IPv4.
    """

    __slots__ = ("_ipv4", "_ipv6", "_shown", "_size")

    def __init__(self, networks: Iterable[Network]) -> None:
        networks = tuple(networks)
        self._size = len(networks)
        self._shown = ", ".join(map(str, networks[:SHOWN]))
        if self._size > SHOWN:
            self._shown += f", … ({self._size:,} networks)"
        ipv4, ipv6 = _sort_keys(networks)
        self._ipv4 = _disjoint(ipv4, 32)
        self._ipv6 = _disjoint(ipv6, 128)

    def find(self, address: Address) -> str | None:
        """The widest network that holds `address`, as CIDR."""
        found = self._range(address)
        if found is None:
            return None
        start, last, family = found
        bits = 32 if family is IPv4Address else 128
        return f"{family(start)}/{bits - (last - start).bit_length()}"

    def __contains__(self, address: Address) -> bool:
        return self._range(address) is not None

    def _range(self, address: Address) -> tuple[int, int, type[Address]] | None:
        number, family = int(address), type(address)
        if family is IPv6Address and number >> 32 == _MAPPED:
            number, family = number & 0xFFFFFFFF, IPv4Address
        starts, lasts = self._ipv4 if family is IPv4Address else self._ipv6
        at = bisect_right(starts, number) - 1
        if at < 0 or number > lasts[at]:
            return None
        return starts[at], lasts[at], family

    def __len__(self) -> int:
        return self._size

    def __str__(self) -> str:
        """For messages; the first few when they are many."""
        return self._shown

    def __repr__(self) -> str:
        return f"<AddressSet [{self._shown}]>"


def _sort_keys(networks: Iterable[Network]) -> tuple[list[int], list[int]]:
    """IPv4 and IPv6, each network as one number: by its first address, then the widest first."""
    ipv4: list[int] = []
    ipv6: list[int] = []
    for network in networks:
        start, length = int(network.network_address), network.prefixlen
        if network.version == 4:
            ipv4.append(start << 8 | length)
        elif length >= 96 and start >> 32 == _MAPPED:
            ipv4.append((start & 0xFFFFFFFF) << 8 | length - 96)
        else:
            ipv6.append(start << 8 | length)
    return ipv4, ipv6


def _disjoint(keys: list[int], bits: int) -> tuple[list[int], list[int]]:
    """First and last addresses, ascending.

    Of two CIDR ranges that share an address one holds the other, so the widest say it all.
    """
    starts: list[int] = []
    lasts: list[int] = []
    last = -1
    for key in sorted(keys):
        start = key >> 8
        if start > last:
            last = start | (1 << (bits - (key & 0xFF))) - 1
            starts.append(start)
            lasts.append(last)
    return starts, lasts


class AccessList:
    """`deny` wins over `allow`; what is in neither is refused."""

    def __init__(self, *, allow: Sequence[Network], deny: Sequence[Network] = ()) -> None:
        self._allow = AddressSet(allow)
        self._deny = AddressSet(deny)

    def find_refusal(self, address: Address | None) -> str | None:
        """The rule that refuses `address`, for the log; None when it may pass.

        None as an address is a Unix socket's client, whom the file's mode has let in.
        """
        if address is None:
            return None
        if address in self._deny:
            return f"{address} is in deny {self._deny.find(address)}"
        if address in self._allow:
            return None
        return f"{address} is not in allow {self._allow}"

    def __repr__(self) -> str:
        return f"<AccessList [allow: {self._allow} | deny: {self._deny}]>"
