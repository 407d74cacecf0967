"""Workers that are killed while the load goes on, one after the other.

Who was connected to one loses its connection, and nobody else may notice. What counts as lost is
said here: what any client sees of a connection that is no more. Another answer is a wrong one.
"""

import asyncio
import os
import re
import signal
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import grpc
from websockets.exceptions import ConnectionClosed, InvalidMessage

from benchmarks.processes import Running

TAKES = re.compile(r"worker \d+ takes connections, as process (\d+)")
OWN_ANSWER = "x-authproxy-error"
NOT_SENT = "Internal error from Core"
"""As grpcio calls it, now and then, when its connection ends while it sends (see findings/)."""


@dataclass(slots=True)
class Deaths:
    """Kills workers of one proxy, while all of them take connections."""

    workers: int
    done: int = 0
    """How many were killed."""

    async def go_on(self, proxy: Running, every_s: float) -> None:
        """Until it is cancelled; the older one and the younger one in turn."""
        for place in cycle((0, -1)):
            await asyncio.sleep(every_s)
            while len(found := ready(proxy)) < self.workers:  # noqa: ASYNC110 -- no event says so
                await asyncio.sleep(0.1)
            os.kill(found[place], signal.SIGKILL)
            self.done += 1


def ready(proxy: Running) -> list[int]:
    """Workers that take connections, the oldest first."""
    parent = proxy.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in TAKES.findall(proxy.log.read_text()) if pid in children]


def is_loss(error: BaseException | None) -> bool:
    """Whether a client says by this that its connection is no more."""
    match error:
        case EOFError() | ConnectionError() | ConnectionClosed():
            return True
        case InvalidMessage():  # of a WebSocket's handshake
            return is_loss(error.__cause__)
        case grpc.aio.AioRpcError():
            told = [name for name, _ in (*error.initial_metadata(), *error.trailing_metadata())]
            is_gone = error.code() is grpc.StatusCode.UNAVAILABLE or error.details() == NOT_SENT
            return is_gone and OWN_ANSWER not in told
        case _:
            return False
