import os
from collections.abc import Iterator

import pytest

from authproxy.workers.line_lock import LineLock


class Reader:
    """Takes at most `most` bytes at a time."""

    def __init__(self, most: int = 1000) -> None:
        self.most = most
        self.got = b""
        self.error: OSError | None = None

    def __call__(self, data: bytes) -> int:
        if self.error is not None:
            raise self.error
        self.got += data[: self.most]
        return len(data[: self.most])


@pytest.fixture
def lock() -> Iterator[LineLock]:
    lock = LineLock()
    yield lock
    lock.close()


def can_another(lock: LineLock) -> bool:
    """Whether another process could write at this moment; a lock is one process's."""
    pid = os.fork()
    if not pid:
        try:
            LineLock(lock.descriptor).whole(len)(b"line\n")
        except BlockingIOError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_between_lines_everybody_may_write(lock: LineLock) -> None:
    reader = Reader()
    send = lock.whole(reader)

    assert can_another(lock)
    assert 6 == send(b"a\nbcd\n")
    assert can_another(lock)


def test_within_a_line_nobody_else_may(lock: LineLock) -> None:
    reader = Reader(3)
    send = lock.whole(reader)

    assert 3 == send(b"abcdef\n")
    assert not can_another(lock)
    assert 3 == send(b"def\n")
    assert not can_another(lock)
    assert 1 == send(b"\n")
    assert can_another(lock)


def test_a_reader_that_is_slow_between_lines_holds_up_nobody(lock: LineLock) -> None:
    reader = Reader()
    reader.error = BlockingIOError()

    with pytest.raises(BlockingIOError):
        lock.whole(reader)(b"abc\n")

    assert can_another(lock)


def test_a_line_that_is_given_up_holds_up_nobody(lock: LineLock) -> None:
    reader = Reader(3)
    send = lock.whole(reader)
    send(b"abcdef\n")
    reader.error = BlockingIOError()
    with pytest.raises(BlockingIOError):
        send(b"def\n")
    assert not can_another(lock)
    reader.error = BrokenPipeError()

    with pytest.raises(BrokenPipeError):
        send(b"def\n")

    assert can_another(lock)


def test_streams_do_not_hold_up_each_other(lock: LineLock) -> None:
    one, two = lock.whole(Reader(3)), lock.whole(Reader())
    one(b"abcdef\n")

    assert 2 == two(b"x\n")
    assert not can_another(lock)
