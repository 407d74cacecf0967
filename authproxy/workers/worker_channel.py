"""Messages between the parent and a worker, with descriptors, over a pair of Unix sockets.

A message is a piece of JSON behind its length and the number of descriptors that come with it. Both
ends are processes of ours: what a message holds is not checked, but that it is one.
"""

import asyncio
import contextlib
import itertools
import json
import os
import socket
import struct
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Message = Mapping[str, Any]
Hear = Callable[[Message, list[int]], None]
"""Gets a message and its descriptors, which are the hearer's from then on."""

MAX_DESCRIPTORS = 253
"""Of one message: the kernel passes no more (unix(7))."""
_HEAD = struct.Struct(">II")
_READ = 256 * 1024


class GoneError(Exception):
    """The other end is no more."""


def is_possible() -> bool:
    """Whether descriptors can be passed here: not on Windows."""
    return hasattr(socket, "send_fds") and hasattr(socket, "AF_UNIX")


class WorkerChannel:
    """One end. Both ask and answer, and say what needs no answer."""

    def __init__(self, sock: socket.socket, hear: Hear, ended: Callable[[], None]) -> None:
        """`hear` gets all but answers; `ended` is called once, when the other end is no more."""
        sock.setblocking(False)
        self._sock = sock
        self._hear = hear
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._came = bytearray()
        self._descriptors: deque[int] = deque()
        self._to_send: deque[tuple[memoryview, Sequence[int]]] = deque()
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._numbers = itertools.count(1)
        self.is_open = True
        self._loop.add_reader(sock, self._read)

    def say(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Copies of the `descriptors` go to the other end; ours must stay open until then."""
        if not self.is_open:
            return
        body = json.dumps(message).encode()
        frame = _HEAD.pack(len(body), len(descriptors)) + body
        self._to_send.append((memoryview(frame), tuple(map(os.dup, descriptors))))
        self._write()

    @property
    def is_behind(self) -> bool:
        """The other end has not taken all yet."""
        return bool(self._to_send)

    async def ask(self, message: Message, descriptors: Sequence[int] = ()) -> Message:
        """The answer. Raises GoneError when none can come any more."""
        if not self.is_open:
            raise GoneError
        number = next(self._numbers)
        answer = self._waiting[number] = self._loop.create_future()
        try:
            self.say({**message, "number": number}, descriptors)
            found: Message = await answer
            return found
        finally:
            self._waiting.pop(number, None)

    def answer(self, question: Message, message: Message) -> None:
        self.say({**message, "to": question["number"]})

    def close(self) -> None:
        """Ours is no more, and the other end hears of it."""
        if not self.is_open:
            return
        self.is_open = False
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        self._sock.close()
        for _, descriptors in self._to_send:
            _close_all(descriptors)
        _close_all(self._descriptors)
        for answer in list(self._waiting.values()):
            if not answer.done():
                answer.set_exception(GoneError())
        self._ended()

    def _write(self) -> None:
        while self._to_send:
            rest, descriptors = self._to_send[0]
            try:
                sent = socket.send_fds(self._sock, [rest], descriptors)
            except BlockingIOError:
                self._loop.add_writer(self._sock, self._write)
                return
            except OSError:
                self._loop.remove_writer(self._sock)
                return  # who reads from it notices
            _close_all(descriptors)  # they have gone with the first byte
            self._to_send.popleft()
            if sent < len(rest):
                self._to_send.appendleft((rest[sent:], ()))
        self._loop.remove_writer(self._sock)

    def _read(self) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._sock, _READ, MAX_DESCRIPTORS)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data, descriptors = b"", []
        self._descriptors.extend(descriptors)
        if not data:
            self.close()
            return
        self._came += data
        while self.is_open and (message := self._next()) is not None:
            self._take(*message)

    def _next(self) -> tuple[Message, list[int]] | None:
        if len(self._came) < _HEAD.size:
            return None
        length, count = _HEAD.unpack_from(self._came)
        end = _HEAD.size + length
        if len(self._came) < end:
            return None
        message = json.loads(bytes(self._came[_HEAD.size : end]))
        del self._came[:end]
        return message, [self._descriptors.popleft() for _ in range(count)]

    def _take(self, message: Message, descriptors: list[int]) -> None:
        if "to" not in message:
            self._hear(message, descriptors)
            return
        waiting = self._waiting.get(message["to"])
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    def __repr__(self) -> str:
        return (
            f"<WorkerChannel [{'open' if self.is_open else 'closed'}, {len(self._waiting)} asked]>"
        )


def _close_all(descriptors: Sequence[int] | deque[int]) -> None:
    for each in descriptors:
        with contextlib.suppress(OSError):
            os.close(each)
