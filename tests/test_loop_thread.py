import asyncio
import gc
import threading
from concurrent.futures import CancelledError

import pytest

from authproxy.loop_thread import LoopThread, on_fork


async def find_thread() -> threading.Thread:
    return threading.current_thread()


async def nothing() -> None:
    pass


def test_work_runs_there_and_its_result_comes_back() -> None:
    thread = LoopThread("elsewhere")
    found = thread.submit(find_thread()).result(10)
    thread.stop(nothing())

    assert ("elsewhere", True) == (found.name, found.daemon)
    assert "<LoopThread elsewhere [ended]>" == repr(thread)


def test_what_it_raises_comes_back_too() -> None:
    async def fail() -> None:
        raise ValueError("why")

    thread = LoopThread("elsewhere")
    with pytest.raises(ValueError, match="why"):
        thread.submit(fail()).result(10)
    thread.stop(nothing())


def test_the_end_runs_the_last_work_and_cancels_the_rest() -> None:
    told = []

    async def last() -> None:
        told.append("last")

    async def forever() -> None:
        await asyncio.Event().wait()

    thread = LoopThread("elsewhere")
    waiting = thread.submit(forever())
    thread.stop(last())
    thread.stop(last())  # nothing is left to be done

    assert ["last"] == told
    with pytest.raises(CancelledError):
        waiting.result(10)


def test_the_thread_that_makes_it_gets_no_event_loop_by_it() -> None:
    thread = LoopThread("elsewhere")

    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
    thread.stop(nothing())


def test_who_has_gone_is_not_called_after_a_fork() -> None:
    class Owner:
        def start_anew(self) -> None:
            raise AssertionError

    owner = Owner()
    on_fork(owner.start_anew)
    gone = [owner]
    del owner
    gone.clear()
    gc.collect()

    assert [] == gone
