"""Blocking calls in threads that never keep the program from ending.

The pools behind `asyncio.to_thread` are joined when the interpreter exits: one hung call would hold
it up. These threads are daemons, one for each call; tokens are minted too rarely for a pool to pay.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def in_thread(call: Callable[..., Result], *args: object, name: str) -> Result:
    """Await `call(*args)`. When the waiter is cancelled the call runs on, unheard."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(setter: Callable[[Any], None], value: object) -> None:
        if not future.done():
            setter(value)

    def run() -> None:
        outcome: tuple[Callable[[Any], None], object]
        try:
            outcome = (future.set_result, call(*args))
        except BaseException as error:  # noqa: BLE001 -- it is handed to whoever waits
            outcome = (future.set_exception, error)
        try:
            loop.call_soon_threadsafe(settle, *outcome)
        except RuntimeError:
            return  # the loop is closed: nobody waits any more

    threading.Thread(target=run, name=name, daemon=True).start()
    return await future
