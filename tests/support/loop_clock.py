"""An event loop whose clock is put forward, for timeouts that nobody has to wait for."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class ForwardLoop(asyncio.SelectorEventLoop):
    ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s


def put_forward(seconds: float) -> None:
    """Let `seconds` pass on the running ForwardLoop; what is due by then comes in its next turn."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ForwardLoop)
    loop.ahead_s += seconds


def run_ahead(work: Coroutine[Any, Any, Result]) -> Result:
    """Run `work`, from a test that runs in no loop itself, on one that can be put forward."""
    with asyncio.Runner(loop_factory=ForwardLoop) as runner:
        return runner.run(work)
