"""Networks, as rules name them: how one is written, and what somebody may have meant."""

import re
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Network,
    ip_address,
    ip_network,
    summarize_address_range,
)

from authproxy.values.wording import quoted

Network = IPv4Network | IPv6Network

LOOPBACK: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))

_BETWEEN = re.compile(r"""[\s,;"'\[\]()=]+""")
_RANGE = re.compile(r"([0-9.]+)\s*[-–]\s*([0-9.]+)")
_SHORT = re.compile(r"((?:[0-9]{1,3}\.){0,2}[0-9]{1,3})(?:(?:\.\*){1,3}|\.?(/[0-9]{1,2}))")
_LENGTH = re.compile(r"(.+)/(\d{1,4})")
_PORT = re.compile(r"([0-9.]+|\[[0-9a-fA-F:.]+\]):\d+")
_NAME = re.compile(r"localhost|(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,24}")


def parse_network(text: str) -> Network:
    """An address or a CIDR range; an IPv4-mapped IPv6 range becomes the IPv4 one."""
    try:
        if "%" in text:  # a zone would be dropped without a word
            raise ValueError
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(
            f"{quoted(text)} is not an address or a CIDR range; write 192.0.2.7, 10.0.0.0/8 or"
            f" 2001:db8::/32{_advice(text.strip())}"
        ) from None
    if isinstance(network, IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - 96))
    return network


def parse_network_of_clients(text: str) -> Network:
    """As `parse_network`, but not the address that stands for all and is nobody's."""
    network = parse_network(text)
    if network.prefixlen == network.max_prefixlen and network.network_address.is_unspecified:
        raise ValueError(f"{quoted(text)} is no client's address; write {network[0]}/0 for all")
    return network


def find_host_bits(text: str) -> Network | None:
    """The range that is meant by `10.1.2.3/8`, which names one address and a range at once."""
    try:
        ip_network(text.strip())
    except ValueError:
        return parse_network(text)
    return None


def _advice(text: str) -> str:
    """What may have been meant by text that is no network."""
    if "%" in text and _is_network(text.partition("%")[0]):
        return f"; without the zone: {text.partition('%')[0]}"
    if text.lower() in ("*", "any", "all", "everyone", "everybody"):
        return "; everybody is 0.0.0.0/0 and ::/0"
    if _NAME.fullmatch(text):
        instead = "127.0.0.1 and ::1" if text == "localhost" else "its address"
        return f"; names are not looked up here: write {instead}"
    length = _LENGTH.fullmatch(text)
    if length and _is_network(length[1]):
        most = ip_address(length[1]).max_prefixlen
        return f"; the number behind the slash is {most} at most"
    with_port = _PORT.fullmatch(text)
    guess = (
        _guess_range(text) or _guess_short(text) or (with_port[1].strip("[]") if with_port else "")
    )
    parts = [part for part in _BETWEEN.split(text) if _is_network(part)]
    if not guess and len(parts) > 1:
        return "; write each on a line of its own"
    guess = guess or "".join(parts)
    return f'; did you mean "{guess}"?' if _is_network(guess) else ""


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return "%" not in text


def _guess_range(text: str) -> str:
    """`10.0.0.0 - 10.0.0.255` as a network, if it is one."""
    match = _RANGE.fullmatch(text)
    if match is None:
        return ""
    try:
        networks = list(summarize_address_range(IPv4Address(match[1]), IPv4Address(match[2])))
    except ValueError:
        return ""
    return str(networks[0]) if len(networks) == 1 else ""


def _guess_short(text: str) -> str:
    """`10.0/16` and `10.0.*.*` in full."""
    match = _SHORT.fullmatch(text)
    if match is None:
        return ""
    numbers = match[1].split(".")
    full = ".".join([*numbers, *["0"] * (4 - len(numbers))])
    guess = full + (match[2] or f"/{8 * len(numbers)}")
    return guess if _is_network(guess) else ""
