"""Signals are heard by every kind of loop, and those that are not there do no harm."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from authproxy.system import signals


class WithoutHandlers(asyncio.SelectorEventLoop):
    """As loops are on Windows."""

    def add_signal_handler(self, *_: object) -> None:
        raise NotImplementedError


def hear(loop: asyncio.AbstractEventLoop) -> list[str]:
    """What comes of two signals that the process sends to itself while the loop waits."""
    heard: list[str] = []

    async def wait() -> None:
        came = asyncio.Event()

        def note(word: str) -> None:
            heard.append(word)
            came.set()

        signals.on_signal(loop, "SIGTERM", note, "end")
        for _ in range(2):
            came.clear()
            loop.call_later(0.01, os.kill, os.getpid(), signal.SIGTERM)
            async with asyncio.timeout(10):
                await came.wait()

    before = signal.getsignal(signal.SIGTERM)
    try:
        loop.run_until_complete(wait())
    finally:
        signal.signal(signal.SIGTERM, before)
        loop.close()
    return heard


@pytest.mark.parametrize("kind", [asyncio.SelectorEventLoop, WithoutHandlers])
def test_a_signal_is_heard_by_every_kind_of_loop(
    kind: type[asyncio.SelectorEventLoop],
) -> None:
    assert ["end", "end"] == hear(kind())


def test_a_signal_for_a_loop_that_is_closed_does_nothing() -> None:
    loop = WithoutHandlers()
    heard: list[int] = []
    before = signal.getsignal(signal.SIGTERM)
    try:
        signals.on_signal(loop, "SIGTERM", heard.append, 1)
        loop.close()
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert [] == heard


def test_signals_that_are_not_there_are_left_out() -> None:
    assert (signal.SIGINT, signal.SIGTERM) == signals.signals("SIGINT", "SIGNEW", "SIGTERM")


def test_the_system_ends_what_does_not_end_by_itself() -> None:
    program = """
import signal
from authproxy.system import signals
def hang(*_):
    signals.end_after(0.01)
    while True:
        signal.pause()
signal.signal(signal.SIGTERM, hang)
signal.raise_signal(signal.SIGTERM)
"""
    ended = subprocess.run([sys.executable, "-c", program], timeout=30)

    assert -signal.SIGALRM == ended.returncode
