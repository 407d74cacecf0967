import asyncio
import subprocess
import sys
import threading
from queue import Queue

import pytest

from authproxy.threads import in_thread, within


async def test_the_result_of_the_call_is_awaited() -> None:
    assert 7 == await in_thread(lambda a, b: a + b, 3, 4, name="sum")


async def test_the_call_runs_in_a_daemon_thread_with_the_name_given() -> None:
    thread = await in_thread(threading.current_thread, name="mint-metadata")

    assert ("mint-metadata", True) == (thread.name, thread.daemon)


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt])
async def test_whatever_the_call_raises_reaches_the_waiter(kind: type[BaseException]) -> None:
    def call() -> None:
        raise kind("why")

    async def wait() -> str:
        try:
            await in_thread(call, name="x")
        except BaseException as error:  # noqa: BLE001 -- it must not end the loop
            return repr(error)
        return "nothing"

    assert repr(kind("why")) == await wait()


async def test_a_result_for_a_waiter_that_was_cancelled_is_dropped() -> None:
    release, ended = threading.Event(), threading.Event()

    def call() -> None:
        release.wait()
        ended.set()

    waiter = asyncio.gather(in_thread(call, name="x"))
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter
    release.set()

    assert await in_thread(ended.wait, 10, name="y")


def test_a_call_that_hangs_holds_up_neither_the_loop_nor_the_end_of_the_program() -> None:
    program = """
import asyncio, threading
from authproxy.threads import in_thread
async def main():
    try:
        await asyncio.wait_for(in_thread(threading.Event().wait, name="hung"), 0.05)
    except TimeoutError:
        print("gave up")
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True
    )

    assert ("gave up\n", "") == (done.stdout, done.stderr)


def test_a_result_that_comes_after_the_loop_has_closed_is_nobodys() -> None:
    release = threading.Event()
    started: Queue[threading.Thread] = Queue()

    def call() -> None:
        started.put(threading.current_thread())
        release.wait()

    async def main() -> threading.Thread:
        waiter = asyncio.gather(in_thread(call, name="late"))
        thread = await asyncio.to_thread(started.get)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        return thread

    thread = asyncio.run(main())
    release.set()
    thread.join(10)  # an exception in a thread fails the test: filterwarnings = error

    assert not thread.is_alive()


@pytest.mark.parametrize("kind", [ValueError, SystemExit])
def test_who_must_wait_gets_what_the_call_gives(kind: type[BaseException]) -> None:
    def fail() -> None:
        raise kind("why")

    assert 7 == within(lambda: 7, "a number")
    with pytest.raises(kind, match="why"):
        within(fail, "a number")


def test_a_call_that_takes_long_is_said_and_given_up(caplog: pytest.LogCaptureFixture) -> None:
    released = threading.Event()
    with pytest.raises(TimeoutError):
        within(released.wait, "the file", deadline_s=0.02, note_after_s=0.01)
    released.set()

    assert ["still waiting for the file"] == caplog.messages


def test_where_no_thread_can_be_had_the_call_is_made_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)

    assert 7 == within(lambda: 7, "a number")
