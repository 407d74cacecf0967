"""Host names, IP addresses and ports in text: the one place that takes an authority apart."""

import re
from ipaddress import IPv6Address, ip_address

from authproxy.values.wording import quoted

_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")  # RFC 1035 2.3.4, and _


def split_authority(text: str) -> tuple[str, str]:
    """Host without brackets, and port; an empty host for what cannot be split."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        well_formed = bracket and is_ipv6(host) and (not rest or rest.startswith(":"))
        return (host, rest[1:]) if well_formed and rest != ":" else ("", "")
    host, colon, port = text.partition(":")
    well_formed = bool(port) == bool(colon) and not set(port) & set(":/")
    return (host, port) if well_formed else ("", "")


def bracketed(host: str) -> str:
    """As a host stands before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def is_host(text: str) -> bool:
    """Whether this is a host name, or an address without a zone."""
    if is_ipv6(text):
        return "%" not in text
    name = text.removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return False
    return not is_number(labels[-1]) or is_ipv4(name)  # 10.0.0 is nobody's name


def canonical(host: str) -> str:
    """One spelling for each host: what is compared must be equal."""
    return str(ip_address(host)) if is_ipv6(host) else host.lower().removesuffix(".")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def is_ipv4(text: str) -> bool:
    try:
        return ip_address(text).version == 4
    except ValueError:
        return False


def is_ipv6(text: str) -> bool:
    try:
        return ip_address(text).version == 6
    except ValueError:
        return False


def is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def parse_port(text: str) -> int:
    if not is_number(text) or len(text) > 5 or int(text) > 65535:
        raise ValueError(f"{quoted(text)} is not a port; write a number from 0 to 65535")
    return int(text)
