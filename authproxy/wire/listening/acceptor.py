"""Accepts connections on one socket, for as long as there is room for them.

Neither asyncio nor aiofastnet can do that: without a free descriptor the one writes as many
tracebacks as the backlog is long, and the other never stops writing them.
"""

import asyncio
import socket
from collections.abc import Callable

from authproxy.values.hosts import bracketed
from authproxy.wire.listening.room import Room
from authproxy.wire.rare_warnings import Seldom

AT_ONCE = 100
"""Connections accepted in one turn of the loop."""
PAUSE_S = 1.0
"""After the system had no room for another connection."""

Take = Callable[[socket.socket, object], None]
"""Gets a connection and its peer's name, and says `room.arrived` when it has come in or gone."""


class Acceptor:
    """Acceptor of one listening socket, which is its own from the start on."""

    def __init__(
        self,
        sock: socket.socket,
        take: Take,
        room: Room,
        may_take: Callable[[], bool] = lambda: True,
        *,
        pause_s: float = PAUSE_S,
    ) -> None:
        """`may_take`: besides the room; when that changes, call `go_on`.

        `pause_s` passes after a failure that only time can mend.
        """
        self._pause_s = pause_s
        self._sock = sock
        self._where = show_name(sock)
        self._take = take
        self._room = room
        self._may_take = may_take
        self._loop = asyncio.get_running_loop()
        self._shortages = Seldom()
        self._is_reading = False
        self._is_waiting = False
        self._is_closed = False
        self._takes_until = 0.0
        """By the loop's clock: others had their chance."""

    def go_on(self) -> None:
        """Accept what comes, now or again."""
        self._is_waiting = False
        if not self._is_closed and not self._is_reading:
            self._is_reading = True
            self._loop.add_reader(self._sock, self._accept)

    def close(self) -> None:
        """Take those who have connected, then close the socket: the kernel resets whoever is in
        its queue then, though a client may have sent its request already."""
        if not self._is_closed:
            self.release()
            while self._accept():
                pass
            self._sock.close()

    def release(self) -> socket.socket:
        """Accept no more; the socket, which goes on listening, is the caller's."""
        self._pause()
        self._is_closed = True
        return self._sock

    def _accept(self) -> bool:
        """Whether there may be more."""
        for _ in range(AT_ONCE if self._room.hold_back is None else 1):
            if not self._may_take():
                self._pause()
                return False
            if not self._room.has_place():
                self._wait()
                return False
            if self._leaves_it_to_others():
                return False
            try:
                sock, peername = self._sock.accept()
            except (BlockingIOError, InterruptedError):
                return False
            except ConnectionAbortedError:
                continue
            except OSError as error:
                reason = error.strerror or str(error)
                self._shortages.warn(f"cannot accept connections at {self._where}: {reason}")
                self._pause()
                self._loop.call_later(self._pause_s, self.go_on)
                return False
            sock.setblocking(False)
            self._room.arriving += 1
            self._room.accepted += 1
            self._take(sock, peername)
        return True

    def _leaves_it_to_others(self) -> bool:
        """For a moment, and then no more."""
        now = self._loop.time()
        if self._is_closed or now < self._takes_until:
            self._takes_until = 0.0
            return False
        wait_s = self._room.hold_back_s()
        if not wait_s:
            return False
        self._takes_until = now + 2 * wait_s
        self._pause()
        self._loop.call_later(wait_s, self.go_on)
        return True

    def _wait(self) -> None:
        self._pause()
        if not self._is_waiting:
            self._is_waiting = True
            self._room.wait(self.go_on)

    def _pause(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._sock)

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else "accepting" if self._is_reading else "waiting"
        return f"<Acceptor {self._where} [{state}]>"


def show_name(sock: socket.socket) -> str:
    """Where a socket listens, for the log."""
    return show_address(sock.getsockname())


def show_address(name: object) -> str:
    """As `getsockname` gives it."""
    if not isinstance(name, tuple):
        path = name.decode("utf-8", "replace") if isinstance(name, bytes) else name
        return f"unix:{path}"
    host, port = name[:2]
    return f"{bracketed(host)}:{port}"
