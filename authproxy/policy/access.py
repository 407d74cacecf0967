"""Who may pass, by network address."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from authproxy.values import Network

Address = IPv4Address | IPv6Address


def parse_peer(peername: object) -> Address | None:
    """A socket's peer as an address; None for a Unix socket.

    An IPv4-mapped IPv6 address is the IPv4 one, so that a rule for 10.0.0.0/8 also holds on a
    dual-stack listener. A zone (`fe80::1%eth0`) is dropped: rules are written without one.
    """
    if not isinstance(peername, tuple) or not peername:
        return None
    address = ip_address(str(peername[0]).partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


class AccessList:
    """`deny` wins over `allow`; what is in neither is refused."""

    def __init__(self, *, allow: Sequence[Network], deny: Sequence[Network] = ()) -> None:
        self._allow = tuple(allow)
        self._deny = tuple(deny)

    def find_refusal(self, address: Address | None) -> str | None:
        """The rule that refuses `address`, for the log; None when it may pass.

        None as an address is a Unix socket's client, whom the file's mode has let in.
        """
        if address is None:
            return None
        for network in self._deny:
            if address in network:
                return f"{address} is in deny {network}"
        if any(address in network for network in self._allow):
            return None
        return f"{address} is in none of allow {', '.join(map(str, self._allow))}"

    def __repr__(self) -> str:
        allow, deny = (", ".join(map(str, rules)) for rules in (self._allow, self._deny))
        return f"<AccessList [allow: {allow} | deny: {deny}]>"
