"""Owner of the socket at the other end of a TCP connection on this machine, by Linux.

Asked once for each connection, of sock_diag(7), which answers for one connection without looking at
others; where that is not there (gVisor, some seccomp profiles), of /proc/net/tcp, which lists all.
Neither needs a privilege. Whoever cannot be found does not pass.
"""

import contextlib
import socket
import struct
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from authproxy.policy.access.networks import Address
from authproxy.wire.peers.unix_peer import find_refusal_of

_SOCK_DIAG, _BY_FAMILY, _TCP = 4, 20, 6
_HEADER = struct.Struct("=IHHII")
"""struct nlmsghdr: length, type, flags, sequence, port."""
_REQUEST = struct.Struct("=BBBBI")
"""struct inet_diag_req_v2 before its id: family, protocol, ext, pad, states."""
_ID = struct.Struct("!HH16s16s12s")
"""struct inet_diag_sockid: ports, addresses; then interface and cookie."""
_ANY = struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
"""Any interface, and INET_DIAG_NOCOOKIE."""
_ANSWER = struct.Struct("=4B48sIIIII")
"""struct inet_diag_msg: family, state, timer, retransmits, id, expires, queues, user, inode."""

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
"""An IPv4 connection stands in the second one when its client has an IPv6 socket."""


@dataclass(frozen=True, slots=True)
class Connection:
    """As the client sees it, with addresses that are not IPv4-mapped."""

    client: Address
    client_port: int
    listener: Address
    listener_port: int

    @property
    def ports(self) -> tuple[int, int]:
        return self.client_port, self.listener_port


@dataclass(frozen=True, slots=True)
class SocketOwner:
    """User that a socket belongs to."""

    uid: int
    inode: int
    """0 when its program has closed it, or has ended. Its user then reads as 0, which is root's."""


Way = Callable[[Connection], SocketOwner | None]


def find_uid_refusal(
    connection: Connection, allowed: Collection[int], ways: Sequence[Way] | None = None
) -> str | None:
    """Why whoever has made this connection may not pass; for the log."""
    try:
        owner = find_owner(connection, WAYS if ways is None else ways)
    except (OSError, ValueError, AttributeError) as error:
        return f"the user at the other end of the connection cannot be determined: {error}"
    if owner is None or owner.inode == 0:
        return "the client's socket is no longer open, or not on this machine: its user is unknown"
    return find_refusal_of(owner.uid, allowed)


def find_owner(connection: Connection, ways: Sequence[Way]) -> SocketOwner | None:
    """Who has opened the client's socket; None when there is no such socket.

    Raises OSError where the kernel does not tell by any of the ways.
    """
    *better, last = ways
    for way in better:
        with contextlib.suppress(OSError, AttributeError, struct.error):
            return way(connection)
    return last(connection)


def ask_kernel(connection: Connection) -> SocketOwner | None:
    """By sock_diag(7). Raises OSError, also where there is no such connection."""
    is_v4 = connection.client.version == 4
    family = socket.AF_INET if is_v4 else socket.AF_INET6
    ends = connection.client.packed, connection.listener.packed
    body = _REQUEST.pack(family, _TCP, 0, 0, 0xFFFFFFFF) + _ID.pack(*connection.ports, *ends, _ANY)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _SOCK_DIAG) as ask:
        ask.send(_HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, 1, 1, 0) + body)
        answer = ask.recv(4096, socket.MSG_DONTWAIT)  # the kernel has answered within send()
    if _HEADER.unpack_from(answer)[1] != _BY_FAMILY:
        raise OSError(-struct.unpack_from("=i", answer, _HEADER.size)[0], "sock_diag")
    *_, found, _, _, _, uid, inode = _ANSWER.unpack_from(answer, _HEADER.size)
    # Where the connection is gone it finds a listener that has the client's port.
    is_it = struct.unpack_from("!HH", found) == connection.ports
    return SocketOwner(uid, inode) if is_it else None


def read_tables(connection: Connection) -> SocketOwner | None:
    """By the lists of all sockets. Raises OSError."""
    wanted = [
        f" {_as_listed(client)}:{connection.client_port:04X}"
        f" {_as_listed(listener)}:{connection.listener_port:04X} "
        for client, listener in _spellings(connection)
    ]
    for table in TABLES:
        for line in table.read_text("ascii").splitlines():
            if any(pair in line for pair in wanted):
                fields = line.split()
                return SocketOwner(uid=int(fields[7]), inode=int(fields[9]))
    return None


def _spellings(connection: Connection) -> list[tuple[Address, Address]]:
    ends = connection.client, connection.listener
    if not all(isinstance(end, IPv4Address) for end in ends):
        return [ends]
    mapped = [IPv6Address(b"\0" * 10 + b"\xff\xff" + end.packed) for end in ends]
    return [ends, (mapped[0], mapped[1])]


def _as_listed(address: Address) -> str:
    """Each four bytes as a number of this machine, in hexadecimal."""
    words = struct.unpack(f"={len(address.packed) // 4}I", address.packed)
    return "".join(f"{word:08X}" for word in words)


WAYS: Sequence[Way] = (ask_kernel, read_tables)
"""The best first."""
