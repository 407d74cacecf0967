"""Takes away from Python what not every operating system has. Python runs this at its start where
this folder is in PYTHONPATH, so it holds for the processes that tests start too.

What is named here is gone: an import fails, an attribute is missing. Only what Python's own library
or pytest cannot do without, since it was built for Linux, is gone for authproxy's modules alone.
"""

import asyncio
import ctypes
import inspect
import os
import platform
import signal
import socket
import sys
from types import ModuleType
from typing import Any

ABSENT_MODULES = ("resource", "fcntl", "termios", "tty", "pty", "pwd", "grp", "aiofastnet")
ABSENT: dict[ModuleType, tuple[str, ...]] = {
    os: (
        *("fork", "forkpty", "killpg", "register_at_fork", "getpgrp", "setsid"),
        *("tcgetpgrp", "tcsetpgrp", "openpty", "pipe2", "memfd_create"),
        *("chown", "lchown"),
    ),
    socket: (
        *("AF_UNIX", "SO_REUSEPORT", "SO_PEERCRED", "AF_NETLINK", "send_fds", "recv_fds"),
        *("CMSG_LEN", "SCM_RIGHTS", "SO_DOMAIN"),
    ),
    signal: (
        *("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP"),
        *("SIGWINCH", "SIGPIPE"),
    ),
}
HIDDEN: dict[ModuleType, tuple[str, ...]] = {
    os: (
        *("getuid", "geteuid", "getgid", "getegid", "getgroups", "fchmod", "fchown", "statvfs"),
        *("mkfifo", "pidfd_open"),
        *("waitid", "WNOHANG", "WNOWAIT", "WSTOPPED", "WEXITED", "P_PID", "ST_RDONLY"),
        *("O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_NOFOLLOW", "O_DIRECTORY", "set_blocking"),
    ),
    socket: ("MSG_DONTWAIT", "SOCK_CLOEXEC", "SOCK_NONBLOCK"),
    signal: ("SIGKILL", "SIGALRM", "alarm", "setitimer", "pthread_sigmask"),
}
"""Of these only authproxy knows nothing."""
SYSTEM = "Bare"
"""What `platform.system()` says."""


def take_away() -> None:
    for name in ABSENT_MODULES:
        sys.modules[name] = None  # type: ignore[assignment]  # -- the documented way to have no module
    for module, names in ABSENT.items():
        for name in names:
            vars(module).pop(name, None)
    for module, names in HIDDEN.items():
        _hide(module, {name: vars(module).pop(name) for name in names if hasattr(module, name)})
    platform.system = lambda: SYSTEM
    vars(socket)["socketpair"] = _socketpair
    vars(ctypes)["CDLL"] = _NamedLibrary
    loop: Any = asyncio.SelectorEventLoop
    for name in ("add_signal_handler", "remove_signal_handler"):
        setattr(loop, name, _not_implemented)
    for name in ("create_unix_server", "create_unix_connection"):
        setattr(loop, name, _not_implemented)
    for name in ("open_unix_connection", "start_unix_server"):
        vars(asyncio).pop(name, None)


def _hide(module: ModuleType, names: dict[str, Any]) -> None:
    def find(name: str) -> Any:
        frame = inspect.currentframe()
        asks = frame.f_back.f_globals.get("__name__", "") if frame and frame.f_back else ""
        if name in names and asks.partition(".")[0] != "authproxy":
            return names[name]
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

    module.__getattr__ = find  # type: ignore[method-assign]  # -- PEP 562


class _NamedLibrary(ctypes.CDLL):
    def __init__(self, name: str | None, *arguments: Any, **options: Any) -> None:
        if name is None:
            raise TypeError("this process is no library")  # as on Windows
        super().__init__(name, *arguments, **options)


def _not_implemented(*_: object, **__: object) -> Any:
    raise NotImplementedError


def _socketpair(
    family: int = socket.AF_INET, type: int = socket.SOCK_STREAM, proto: int = 0
) -> tuple[socket.socket, socket.socket]:
    """By TCP, as Python does on Windows."""
    with socket.socket(family, type, proto) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        ours = socket.socket(family, type, proto)
        ours.connect(listener.getsockname())
        theirs, _ = listener.accept()
    return ours, theirs


take_away()
