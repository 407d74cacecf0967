import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from authproxy.workers.counts.shared_memory import SharedMemory, make_memory

LOCKS = """
import os, sys
from authproxy.workers.counts.shared_memory import SharedMemory
memory = SharedMemory(4096, int(sys.argv[1]))
memory.view[0] = 7
print(memory.lock(5), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def memory() -> Iterator[SharedMemory]:
    found = SharedMemory(4096)
    yield found
    found.close()


@pytest.fixture
def other(memory: SharedMemory) -> "Iterator[subprocess.Popen[str]]":
    """A process that has the lock at 5."""
    with subprocess.Popen(
        (sys.executable, "-c", LOCKS, str(memory.descriptor)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[memory.descriptor],
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "True\n" == process.stdout.readline()
        yield process
        process.kill()


def test_another_process_sees_the_same(
    memory: SharedMemory, other: "subprocess.Popen[str]"
) -> None:
    assert b"\7\0" == bytes(memory.view[:2])
    assert "<SharedMemory [4096 bytes]>" == repr(memory)


def test_who_holds_a_lock_for_long_is_not_waited_for(
    memory: SharedMemory, other: "subprocess.Popen[str]"
) -> None:
    other.send_signal(signal.SIGSTOP)

    assert [False, True] == [memory.lock(5), memory.lock(6)]
    memory.unlock(5)
    assert not memory.lock(5)


def test_a_process_that_dies_has_no_lock_any_more(
    memory: SharedMemory, other: "subprocess.Popen[str]"
) -> None:
    assert not memory.lock(5)
    os.kill(other.pid, signal.SIGKILL)
    other.wait()

    assert memory.lock(5)


def not_allowed(_: str) -> int:
    raise PermissionError


@pytest.mark.parametrize("create", [None, not_allowed])
def test_where_the_system_makes_none_a_file_takes_its_place(
    create: Callable[[str], int] | None,
) -> None:
    descriptor = make_memory(5000, create)

    assert bytes(5000) == os.pread(descriptor, 6000, 0)
    os.close(descriptor)


@pytest.mark.parametrize("start", [4096, 4100], ids=["pages", "parts of them"])
def test_a_part_that_is_cleared_is_zeros_for_all_and_the_rest_stays(start: int) -> None:
    memory = SharedMemory(16 * 4096)
    other = SharedMemory(16 * 4096, os.dup(memory.descriptor))
    memory.view[:] = b"x" * len(memory.view)
    other.clear(start, 8192)

    cleared = b"x" * start + bytes(8192)
    assert cleared + b"x" * (len(memory.view) - len(cleared)) == bytes(memory.view)
    memory.close()
    other.close()


def test_pages_that_are_cleared_are_given_back() -> None:
    memory = SharedMemory(256 * 4096)
    memory.view[:4096] = b"x" * 4096
    before = os.fstat(memory.descriptor).st_blocks
    memory.view[4096:] = b"x" * 255 * 4096
    memory.clear(4096, 255 * 4096)

    assert before == os.fstat(memory.descriptor).st_blocks
    memory.close()
