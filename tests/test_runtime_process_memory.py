"""What large bodies leave behind is used again; what is left of a load is given back."""

import asyncio
import gc
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from authproxy.runtime.process.memory import (
    GIVE_BACK_EVERY_S,
    QUIET,
    SHARE,
    SHARE_WHEN_QUIET,
    find_trim,
    keep_giving_back,
    without_looking,
)

FAULTS = """
import resource, sys
from authproxy.runtime.process.memory import keep_what_was_freed

def page_faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

keep_what_was_freed()
pieces = [b"x" * 300_000 for _ in range(4)]
before = page_faults()
for number in range(1000):
    pieces[number % 4] = None
    pieces[number % 4] = b"x" * 300_000
print(page_faults() - before)
"""
LEFT = """
from pathlib import Path
from authproxy.runtime.process.memory import find_trim, keep_what_was_freed

def resident_mib():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024

keep_what_was_freed()
before = resident_mib()
pieces = [(b"x" * 300_000, b"y" * 5_000) for _ in range(300)]
kept = [small for large, small in pieces]
del pieces
after = resident_mib()
find_trim()()
print(before, after, resident_mib())
"""


def told(script: str) -> list[int]:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    return [int(word) for word in done.stdout.split()]


def test_a_piece_of_a_body_costs_no_page_faults() -> None:
    (faults,) = told(FAULTS)

    assert faults < 1000  # each piece has 73 pages


def test_memory_between_what_is_in_use_is_given_back() -> None:
    before, left, given_back = told(LEFT)

    assert left - before > 60  # 300 pieces of 300 KB, each with something in use behind it
    assert given_back - before < 20


def test_where_the_c_library_cannot_give_memory_back_nothing_happens() -> None:
    def no_library(name: None) -> object:
        raise OSError("not found")

    assert find_trim(lambda name: object())() is None
    assert find_trim(no_library)() is None


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Ring:
    """Garbage that only the collector finds."""

    gone = 0

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        Ring.gone += 1


COLLECTING_S = 0.1
"""What it takes to collect one ring."""
BUSY, LITTLE = 1.0, QUIET * GIVE_BACK_EVERY_S / 2


WORTH_S = 2 * COLLECTING_S / SHARE
"""As much CPU time must have been used before garbage is looked for again, two rings found."""
WORTH_WHEN_QUIET_S = 2 * COLLECTING_S / SHARE_WHEN_QUIET


@pytest.mark.parametrize(
    ("work", "found"),
    [
        pytest.param((0.0, 0.0, 0.0, 0.0), (0, 0, 0, 0), id="not without any work"),
        pytest.param((0.0, BUSY, 0.0, 0.0), (0, 2, 2, 2), id="once after work"),
        pytest.param((0.0, BUSY, BUSY, BUSY), (0, 2, 2, 2), id="not all the time"),
        pytest.param((0.0, BUSY, WORTH_S + 1, 0.0), (0, 2, 3, 3), id="when there was much work"),
        pytest.param(
            (0.0, BUSY, WORTH_WHEN_QUIET_S + 1, LITTLE), (0, 2, 2, 4), id="sooner when it is quiet"
        ),
        pytest.param(
            (0.0, BUSY, WORTH_WHEN_QUIET_S - 1, LITTLE), (0, 2, 2, 2), id="but not too soon"
        ),
    ],
)
@pytest.mark.usefixtures("no_collector")
async def test_garbage_is_looked_for_when_there_is_time(
    work: tuple[float, ...], found: tuple[int, ...]
) -> None:
    """`work`: CPU seconds used in each pause; `found`: all that was collected by its end."""
    clock, ahead = 0.0, list(work)
    gone: list[int] = []
    Ring.gone = 0

    async def pause(seconds: float) -> None:
        nonlocal clock
        assert seconds == GIVE_BACK_EVERY_S
        if not ahead:
            raise asyncio.CancelledError
        clock += ahead.pop(0)
        Ring()

    def used() -> float:
        return clock + Ring.gone * COLLECTING_S

    with pytest.raises(asyncio.CancelledError):
        await keep_giving_back(lambda: gone.append(Ring.gone), sleep=pause, used=used)

    assert list(found) == gone
    assert gc.get_freeze_count() == 0


@pytest.mark.usefixtures("no_collector")
async def test_what_a_reload_has_made_is_looked_at_once_and_then_left_out() -> None:
    left_out: list[bool] = []
    acts: list[Callable[[], None]] = [lambda: None, reload_nothing, lambda: None]

    async def pause(_seconds: float) -> None:
        if not acts:
            raise asyncio.CancelledError
        acts.pop(0)()
        left_out.append(gc.get_freeze_count() > 0)

    with pytest.raises(asyncio.CancelledError):
        await keep_giving_back(lambda: None, sleep=pause, used=lambda: BUSY * len(left_out))

    assert [True, False, True] == left_out


def reload_nothing() -> None:
    with without_looking():
        pass


def test_no_garbage_is_looked_for_while_very_much_is_made() -> None:
    class Made:
        pass

    looks = list[str]()
    gc.callbacks.append(lambda phase, _info: looks.append(phase))
    try:
        with without_looking():
            kept = [Made() for _ in range(100_000)]
            made = len(looks)
        after = gc.get_count()[0]
    finally:
        gc.callbacks.pop()

    assert (0, True) == (made, gc.isenabled())
    assert after < len(kept) // 10, "what was made counts as old"
