import asyncio
import errno
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.observe.stream import LogStream, open_stream
from tests.support.talking import until

LINE = "x" * 99 + "\n"


class Reader:
    """Stands in for the other side: takes what it is told to, raises what it is told to."""

    def __init__(self) -> None:
        self.got = b""
        self.room = 1_000_000
        self.error: OSError | None = None
        self.calls = 0

    def send(self, data: bytes) -> int:
        self.calls += 1
        if self.error is not None:
            raise self.error
        taken = data[: self.room]
        self.room -= len(taken)
        if not taken:
            raise BlockingIOError
        self.got += taken
        return len(taken)


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def pipe() -> Iterator[tuple[BinaryIO, TextIO]]:
    """A real one: what is read from, and what is written to."""
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as readable, os.fdopen(write_end, "w") as writable:
        yield readable, writable


def left_out(caplog: pytest.LogCaptureFixture) -> list[object]:
    return [vars(record)["left_out"] for record in caplog.records]


def test_what_was_written_goes_out_in_one_piece(reader: Reader) -> None:
    stream = LogStream(reader.send)
    stream.write("one\n")
    stream.write("zwei – ü\n")
    assert "<LogStream [13 bytes to write, 0 lines left out]>" == repr(stream)
    assert 0 == reader.calls

    stream.flush()
    assert (1, "one\nzwei – ü\n") == (reader.calls, reader.got.decode())

    stream.flush()
    assert 1 == reader.calls


def test_what_the_encoding_does_not_have_is_escaped(reader: Reader) -> None:
    stream = LogStream(reader.send, encoding="ascii")
    stream.write("ü\n")
    stream.flush()

    assert b"\\xfc\n" == reader.got


def test_a_slow_reader_gets_the_rest_with_the_next_flush(reader: Reader) -> None:
    stream = LogStream(reader.send)
    reader.room = 5
    stream.write("one\n")
    stream.write("two\n")
    stream.flush()
    assert b"one\nt" == reader.got

    reader.room = 100
    stream.write("three\n")
    stream.flush()
    assert b"one\ntwo\nthree\n" == reader.got


async def test_a_slow_reader_gets_the_rest_without_another_line(reader: Reader) -> None:
    stream = LogStream(reader.send)
    reader.room = 0
    stream.write("one\n")
    stream.flush()
    stream.flush()
    reader.room = 100
    await until(lambda: reader.got == b"one\n")


def test_a_reader_that_is_stuck_costs_lines_and_no_memory(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    stream = LogStream(reader.send, capacity=1000)
    reader.room = 0
    for _ in range(100):
        stream.write(LINE)
        stream.flush()
    assert "<LogStream [1100 bytes to write, 89 lines left out]>" == repr(stream)

    reader.room = 10_000
    stream.write(LINE)
    stream.flush()
    assert LINE * 11 == reader.got.decode()
    assert [90] == left_out(caplog)
    assert [
        "90 log lines were dropped: the reader of the log was too slow or gone"
    ] == caplog.messages

    stream.write(LINE)
    stream.flush()
    assert LINE * 12 == reader.got.decode()
    assert [90] == left_out(caplog)


@pytest.mark.parametrize("number", [errno.EPIPE, errno.ENOSPC, errno.EIO])
def test_a_reader_that_is_gone_does_no_harm(
    reader: Reader, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    stream = LogStream(reader.send)
    reader.error = OSError(number, os.strerror(number))
    stream.write("one\ntwo\n")
    stream.flush()
    assert "<LogStream [0 bytes to write, 2 lines left out]>" == repr(stream)
    assert [] == caplog.messages

    reader.error = None
    stream.write("three\n")
    stream.flush()
    assert b"three\n" == reader.got
    assert [2] == left_out(caplog)


def test_a_line_that_was_cut_off_spoils_no_other(reader: Reader) -> None:
    stream = LogStream(reader.send)
    reader.room = 2
    stream.write("one\n")
    stream.flush()
    reader.error = OSError(errno.ENOSPC, "disk full")
    stream.flush()
    reader.error, reader.room = None, 100
    stream.write("two\n")
    stream.flush()

    assert b"on\ntwo\n" == reader.got


# A few characters of each length: to learn all of Unicode first takes seconds on a busy machine.
TEXTS = st.text("ab\n\r\u2028 é漢😀", min_size=1, max_size=9)


@given(st.lists(st.tuples(TEXTS, st.integers(0, 20))))
def test_whatever_a_reader_takes_every_line_is_whole(lines: list[tuple[str, int]]) -> None:
    reader = Reader()
    stream = LogStream(reader.send)
    texts = [text.replace("\n", "") + "\n" for text, _ in lines]
    for text, (_, room) in zip(texts, lines, strict=True):
        reader.room = room
        stream.write(text)
        stream.flush()
    reader.room = 1_000_000
    stream.flush()

    assert "".join(texts).encode("utf-8", "backslashreplace") == reader.got


def test_the_end_waits_for_a_slow_reader_and_not_for_a_stuck_one(
    pipe: tuple[BinaryIO, TextIO],
) -> None:
    readable, writable = pipe
    stream = open_stream(writable)
    for _ in range(2000):
        stream.write(LINE)
    before = time.monotonic()
    stream.drain(0.1)
    assert 0.1 <= time.monotonic() - before < 5

    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(readable.read(2000 * len(LINE))))
    thread.start()
    stream.drain(20)
    thread.join(20)
    assert [LINE.encode() * 2000] == got


async def test_a_full_pipe_is_not_waited_for(pipe: tuple[BinaryIO, TextIO]) -> None:
    readable, writable = pipe
    stream = open_stream(writable)
    for _ in range(5000):
        stream.write(LINE)
        stream.flush()
    text = await asyncio.to_thread(readable.read, 5000 * len(LINE))

    assert LINE.encode() * 5000 == text
    # Others write to the same pipe and know nothing of this.
    assert os.get_blocking(writable.fileno())


def test_a_pipe_that_nobody_reads_any_more_does_no_harm(
    pipe: tuple[BinaryIO, TextIO],
) -> None:
    readable, writable = pipe
    readable.close()
    stream = open_stream(writable)
    stream.write("one\n")
    stream.flush()

    assert "<LogStream [0 bytes to write, 1 lines left out]>" == repr(stream)


def test_a_file_gets_the_lines_where_others_have_stopped(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as file:
        file.write("before\n")
        file.flush()
        stream = open_stream(file)
        stream.write("one\n")
        stream.flush()
        file.write("after\n")

    assert "before\none\nafter\n" == path.read_text()


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # open until a program ends
def test_a_socket_is_not_waited_for() -> None:
    here, there = socket.socketpair()
    with here, there, here.makefile("w") as file:
        stream = open_stream(file)
        for _ in range(5000):
            stream.write(LINE)
        stream.flush()
        first = there.recv(len(LINE), socket.MSG_WAITALL)

        assert LINE.encode() == first
        assert " [0 bytes to write" not in repr(stream)
        assert here.getblocking()


def test_a_full_disk_does_no_harm() -> None:
    with Path("/dev/full").open("w") as file:
        stream = open_stream(file)
        stream.write("one\n")
        stream.flush()

    assert "<LogStream [0 bytes to write, 1 lines left out]>" == repr(stream)


def test_a_closed_stderr_is_nowhere() -> None:
    stream = open_stream(None)
    stream.write("one\n")
    stream.flush()

    assert "<LogStream [0 bytes to write, 0 lines left out]>" == repr(stream)
