"""Offers of an operating system besides signals: sockets, flags for files, numbers of users."""

import os
import socket

UNIX: "socket.AddressFamily | None" = getattr(socket, "AF_UNIX", None)
"""Family of Unix sockets; None where Python has none."""
NO_UNIX_SOCKETS = "this system has no Unix sockets that Python can use"


def open_flags(*names: str) -> int:
    """For `os.open`: those that there are."""
    flags = 0
    for name in names:
        flags |= getattr(os, name, 0)
    return flags


def user_id() -> int | None:
    """The number of the user whom this process acts as; None where users have no numbers."""
    return os.geteuid() if hasattr(os, "geteuid") else None


def this_user() -> str:
    """For messages."""
    number = user_id()
    return "this user" if number is None else f"user {number}"
