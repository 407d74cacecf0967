"""Keeps a request's body while it may have to be sent again."""

from authproxy.errors import AuthProxyError
from authproxy.wire.transport import add_body

REPLAY_BYTES = 64 * 1024
"""A body up to this size is kept until the answer begins, in case it has to be sent again."""


class KeptBody:
    """The whole body so far, or nothing: a part of it could not be sent again."""

    __slots__ = ("_size", "is_whole", "pieces", "unsaid", "waited_s")

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.is_whole = True
        """Nothing of it has been given up."""
        self._size = 0
        self.unsaid: AuthProxyError | None = None
        """What is said when it has come in: see `wire.mcp.refusing`."""
        self.waited_s = 0.0
        """For how long that has waited."""

    def add(self, data: bytes, *, is_sent: bool) -> None:
        """`is_sent`: it went out at once. Else there is no connection yet, and reading from the
        client has stopped, which limits the size."""
        if not self.is_whole:
            return
        self._size += len(data)
        self.pieces.append(data)
        if is_sent:
            self.sent()

    def send(self, out: list[bytes], *, chunked: bool) -> None:
        """There is a connection now, or another one: all of it goes into `out`."""
        for data in self.pieces:
            add_body(out, data, chunked=chunked)
        self.sent()

    def sent(self) -> None:
        """All of it is on its way: what is too large to be kept is given up."""
        if self._size > REPLAY_BYTES:
            self.is_whole = False
            self.pieces = []

    def __repr__(self) -> str:
        return f"<KeptBody [{f'{self._size} bytes' if self.is_whole else 'given up'}]>"
