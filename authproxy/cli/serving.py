"""Serving, with settings that were read: what `authproxy run` comes to."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from authproxy.runtime.reload import ConfigOrigin
    from authproxy.settings import Settings


def serve(
    settings: "Settings",
    on_ready: Callable[[Sequence[str]], None] | None,
    origin: "ConfigOrigin | None",
) -> int:
    """Until it is told to stop; the exit code. Raises StartError."""
    from authproxy.runtime import app

    if settings.workers == 1:
        return app.run(settings, on_ready, origin)
    from authproxy.workers.count import find_crew

    return app.run(settings, on_ready, origin, find_crew(settings))
