"""Sets of addresses, to be compared with each other: which are in both, which are left.

Each is a list of ranges in order that do not touch: family, first and last address as numbers.
Every step is linear in their number, since a file may list a million networks.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network

from authproxy.values.networks import Network

EVERYBODY: tuple[Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))

Range = tuple[int, int, int]
"""4 or 6, first, last."""


def ranges_of(networks: Iterable[Network]) -> list[Range]:
    """All addresses of `networks`."""
    return joined(
        (each.version, int(each.network_address), int(each.broadcast_address)) for each in networks
    )


def joined(ranges: Iterable[Range]) -> list[Range]:
    """In order, and those that touch each other as one."""
    found: list[Range] = []
    for family, first, last in sorted(ranges):
        if found and found[-1][0] == family and first <= found[-1][2] + 1:
            found[-1] = (family, found[-1][1], max(found[-1][2], last))
        else:
            found.append((family, first, last))
    return found


def common(ours: Sequence[Range], theirs: Sequence[Range]) -> list[Range]:
    """What is in both."""
    found: list[Range] = []
    i = j = 0
    while i < len(ours) and j < len(theirs):
        (family, first, last), (other, begin, end) = ours[i], theirs[j]
        if family == other and max(first, begin) <= min(last, end):
            found.append((family, max(first, begin), min(last, end)))
        if (family, last) < (other, end):
            i += 1
        else:
            j += 1
    return found


def without(ours: Sequence[Range], theirs: Sequence[Range]) -> list[Range]:
    """What is in `ours` alone."""
    found: list[Range] = []
    j = 0
    for family, first, last in ours:
        at = first
        while j < len(theirs) and (theirs[j][0], theirs[j][2]) < (family, first):
            j += 1
        k = j
        while k < len(theirs) and theirs[k][0] == family and theirs[k][1] <= last:
            if theirs[k][1] > at:
                found.append((family, at, theirs[k][1] - 1))
            at = theirs[k][2] + 1
            k += 1
        if at <= last:
            found.append((family, at, last))
    return found
