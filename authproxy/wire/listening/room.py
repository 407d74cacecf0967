"""Room for clients: as many as this process can have descriptors for.

Each client may need a second one, for its service. So no more are accepted than can be served, the
others wait in the kernel's queue, and nothing that was accepted fails for want of a descriptor.
"""

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator

from authproxy.errors import StartError
from authproxy.wire.rare_warnings import Seldom

logger = logging.getLogger(__name__)

RESERVE = 12
"""For files that are read anew, lookups of names, and a program that prints a token, which needs
seven while it starts."""
SELECT_SOCKETS = 512
"""Windows, which has no `resource`, has no limit of files: what bounds us there is select(), for
which Python is built with room for so many sockets."""
LEAST_CLIENTS = 1
FEW_CLIENTS = 64
"""With room for fewer the log says so at the start."""
RAISE_IT = (
    "Raise it: ulimit -n 1024 in a shell, LimitNOFILE=1024 in a systemd unit,"
    " docker run --ulimit nofile=1024."
)


class Room:
    """Counts those who are on their way in, and lets who accepts know when it may go on."""

    def __init__(self, count: Callable[[], int], make_room: Callable[[], None]) -> None:
        """`count`: of the connections that stand. `make_room` closes some that nobody uses."""
        self.most: int | None = None
        """None: nobody has looked how many fit."""
        self.limit = 0
        """Of descriptors, for the log."""
        self.arriving = 0
        """Accepted, and not yet a connection: its PROXY header or TLS handshake is under way."""
        self.accepted = 0
        """Since the start, those included that were closed before they said anything."""
        self.handshakes = self.handshakes_failed = 0
        """Of TLS with clients, since the start."""
        self.hold_back: Callable[[int], float] | None = None
        """Seconds in which other processes may take the next one, by how many this one has; None
        where there are no others."""
        self._count = count
        self._make_room = make_room
        self._waiting: list[Callable[[], None]] = []
        self._seldom = Seldom()

    def fit(self, limit: int | None, in_use: int) -> None:
        """From now on no more clients are let in than fit. Raises StartError when none would."""
        if limit is None:
            return
        self.limit, self.most = limit, clients_that_fit(limit, in_use)
        if self.most < FEW_CLIENTS:
            logger.warning(
                "the limit of open files is %d: there is room for %d client%s at once. %s",
                limit,
                self.most,
                "s" * (self.most != 1),
                RAISE_IT,
            )

    @property
    def is_awaited(self) -> bool:
        """Somebody does not accept for want of room."""
        return bool(self._waiting)

    def has_place(self) -> bool:
        """May one more be accepted? If not, it is made, for those who wait."""
        if self.most is None or self._count() + self.arriving < self.most:
            return True
        self._seldom.warn(
            f"all places for clients ({self.most}) are taken, and more must wait: the limit of open"
            f" files is {self.limit}, and each client may need two of them. {RAISE_IT}"
        )
        self._make_room()
        return False

    def hold_back_s(self) -> float:
        """Seconds in which other processes may take the next one."""
        return self.hold_back(self._count() + self.arriving) if self.hold_back is not None else 0.0

    @contextlib.contextmanager
    def handshake(self) -> Iterator[None]:
        """Around a handshake of TLS with a client: it counts as failed on OSError."""
        try:
            yield
        except OSError:
            self.handshakes_failed += 1
            raise
        self.handshakes += 1

    def wait(self, go_on: Callable[[], None]) -> None:
        """Call `go_on` once when there may be room."""
        self._waiting.append(go_on)

    def arrived(self) -> None:
        """One that was accepted has become a connection, or has gone."""
        self.arriving -= 1
        self.freed()

    def freed(self) -> None:
        """There may be room."""
        waiting, self._waiting = self._waiting, []
        for go_on in waiting:
            go_on()

    def __repr__(self) -> str:
        return f"<Room [{self._count()} of {self.most or 'any number'}, {self.arriving} arriving]>"


def file_limit() -> int | None:
    """How many descriptors this process may have; None: no bound that is known."""
    try:
        import resource
    except ImportError:
        return SELECT_SOCKETS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def count_open_files() -> int:
    """Descriptors that this process has open; at least so many."""
    with contextlib.suppress(OSError):
        return len(os.listdir("/proc/self/fd")) - 1  # noqa: PTH208 -- the one that lists is no more
    lowest = os.dup(sys.__stderr__.fileno() if sys.__stderr__ is not None else 0)
    os.close(lowest)
    return lowest


def clients_that_fit(limit: int, in_use: int) -> int:
    """Raises StartError when not even one does."""
    most = (limit - in_use - RESERVE) // 2
    if most < LEAST_CLIENTS:
        least = in_use + RESERVE + 2 * LEAST_CLIENTS
        raise StartError(
            f"the limit of open files is {limit}, and authproxy needs at least {least} here",
            hint=RAISE_IT,
        )
    return most
