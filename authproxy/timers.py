"""Protocol of timers; tests bring timers of their own."""

import asyncio
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """Handle of a timer, as `call_later` returns it."""

    def cancel(self) -> None:
        """The callback is not called any more. Does nothing when it was already, or twice."""


CallLater = Callable[[float, Callable[[], None]], Timer]


def loop_call_later(delay_s: float, callback: Callable[[], None]) -> Timer:
    """By the loop's clock, which stands still while a laptop sleeps."""
    return asyncio.get_running_loop().call_later(delay_s, callback)
