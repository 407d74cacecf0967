"""Settings that do not go with several workers yet."""

from collections.abc import Iterator

from authproxy.settings import Settings

COUNTED = ("requests_per_second", "connections", "connections_per_client")
"""Of `limits`: those of clients, which each worker would count alone."""


def missing_with_workers(settings: Settings) -> Iterator[str]:
    """What would not be true with several workers."""
    for name in COUNTED:
        if getattr(settings.limits, name):
            yield f"limits.{name}"
    if settings.keys:
        yield "keys (wrong ones are counted for each client)"
    if settings.inspect.record == "on":
        yield "inspect.record"
    if settings.authorizer.places:
        yield "authorizer"
    if settings.admin.kind not in ("auto", "off"):
        yield "admin"
