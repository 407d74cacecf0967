"""Settings that do not go with several workers yet."""

from collections.abc import Iterator

from authproxy.settings import Settings


def missing_with_workers(settings: Settings) -> Iterator[str]:
    """What would not be true with several workers."""
    if settings.inspect.record == "on":
        yield "inspect.record"
