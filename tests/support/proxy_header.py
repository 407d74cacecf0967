"""PROXY headers as load balancers write them."""

from ipaddress import IPv4Address, ip_address

from authproxy.policy.access.networks import Address

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
PORTS = (56324).to_bytes(2) + (443).to_bytes(2)


def v1(client: str) -> bytes:
    family = "TCP6" if ":" in client else "TCP4"
    balancer = "2001:db8::1" if ":" in client else "10.0.0.1"
    return f"PROXY {family} {client} {balancer} 56324 443\r\n".encode()


def v2(command: int, kind: int, rest: bytes) -> bytes:
    return SIGNATURE + bytes([command, kind]) + len(rest).to_bytes(2) + rest


def v2_for(client: Address, extra: bytes = b"") -> bytes:
    """The command PROXY, with TLVs or anything else behind the addresses."""
    is_v4 = isinstance(client, IPv4Address)
    balancer = ip_address("10.0.0.1" if is_v4 else "2001:db8::1")
    return v2(0x21, 0x11 if is_v4 else 0x21, client.packed + balancer.packed + PORTS + extra)
