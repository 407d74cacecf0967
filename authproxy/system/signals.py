"""Signals, where there are some, by every kind of loop."""

import contextlib
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

END_S = 5.0
"""For the end of a program whose start was stopped."""


def signals(*names: str) -> tuple[signal.Signals, ...]:
    """Those that there are, by their names: SIGINT and SIGTERM are everywhere."""
    return tuple(getattr(signal, name) for name in names if hasattr(signal, name))


def ignore(*names: str) -> None:
    """From now on these signals do nothing. In the main thread."""
    for number in signals(*names):
        signal.signal(number, signal.SIG_IGN)


def on_signal(
    loop: "asyncio.AbstractEventLoop", name: str, call: Callable[..., object], *args: object
) -> None:
    """Have `call` called in the loop at each such signal, if there is one. In the main thread."""
    for number in signals(name):
        try:
            loop.add_signal_handler(number, call, *args)
        except NotImplementedError:  # Windows' loops
            signal.signal(number, lambda *_: _call_soon(loop, call, args))


def stop_at_once(number: int, _frame: object) -> None:
    """A handler for a start, while nothing is in flight, whatever is waited for. What does not end
    by itself then is ended by the system.
    """
    end_after(END_S)
    sys.exit(128 + number)


def end_after(seconds: float) -> None:
    """Have the system end this process then, if there is a clock for that.

    For a handler of signals: what it raises may be lost or held up by whatever it interrupts, and a
    thread must not be started by what may have interrupted the start of one.
    """
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _call_soon(
    loop: "asyncio.AbstractEventLoop", call: Callable[..., object], args: tuple[object, ...]
) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed
        loop.call_soon_threadsafe(call, *args)
