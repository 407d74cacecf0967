import asyncio
import time
from typing import cast

from authproxy.tasks import Tasks
from authproxy.wire.interfaces import OpenConnection
from authproxy.wire.listening.rechecks import TURN_S, recheck_all


class Slow:
    """Takes as long to look at as others may be kept from the loop."""

    def __init__(self, heard: list[str]) -> None:
        self._heard = heard

    def recheck(self) -> None:
        ends_at = time.monotonic() + TURN_S
        while time.monotonic() <= ends_at:
            pass
        self._heard.append("look")


async def test_others_have_the_loop_in_between() -> None:
    heard = list[str]()

    async def other() -> None:
        for _ in range(2):
            heard.append("other")
            await asyncio.sleep(0)

    tasks = Tasks()
    looking = recheck_all([cast(OpenConnection, Slow(heard)) for _ in range(3)])
    both = [tasks.start(looking, name="look"), tasks.start(other(), name="other")]
    await asyncio.gather(*both)

    assert ["look", "other", "look", "other", "look"] == heard
