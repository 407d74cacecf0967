"""A listening socket on which workers accept, and its parent does not."""

import socket


class HeldSocket:
    """One that stays open here, so that its queue stays whichever worker dies."""

    def __init__(self, sock: socket.socket, among: "list[HeldSocket]") -> None:
        self.sock = sock
        self._among = among

    def close(self) -> None:
        """Workers that still have it take those in the queue."""
        self.release().close()

    def release(self) -> socket.socket:
        if self in self._among:
            self._among.remove(self)
        return self.sock

    def __repr__(self) -> str:
        return f"<HeldSocket [{'open' if self.sock.fileno() >= 0 else 'closed'}]>"
