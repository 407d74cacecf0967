"""Serving by one process or by several, as settings want it: what `authproxy run` comes to."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from authproxy.runtime import app

if TYPE_CHECKING:
    from authproxy.identity.apart.forked import Forked
    from authproxy.runtime.reload import ConfigOrigin
    from authproxy.settings import Settings


def serve(
    settings: "Settings",
    on_ready: Callable[[Sequence[str]], None] | None,
    origin: "ConfigOrigin | None",
    helper: "Forked | None" = None,
) -> int:
    """Until it is told to stop; the exit code. Raises StartError.

    `helper`: the first process that fetches tokens.
    """
    if settings.workers == 1:
        return app.run(settings, on_ready, origin, helper=helper)
    from authproxy.workers.count import find_crew  # and all that workers are made of

    return app.run(settings, on_ready, origin, find_crew(settings), helper)
