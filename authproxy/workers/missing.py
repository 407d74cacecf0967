"""Settings that do not go with several workers yet."""

from collections.abc import Iterator

from authproxy.settings import Settings


def missing_with_workers(settings: Settings) -> Iterator[str]:
    """What would not be true with several workers."""
    if settings.inspect.record == "on":
        for name, service in settings.services.items():
            if service.record_bodies:
                yield f"services.{name}.record_bodies"
