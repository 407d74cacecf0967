"""Limits of several workers, as several of them see them within one process."""

from collections.abc import Iterator
from contextlib import contextmanager
from os import dup

from authproxy.policy.access.client_limits import ClientLimits
from authproxy.settings import LimitSettings
from authproxy.workers.counts.shared_limits import SharedLimits


@contextmanager
def two_workers(limits: LimitSettings) -> Iterator[tuple[SharedLimits, list[ClientLimits]]]:
    """The parent's, and those of workers 1 and 2."""
    parent = SharedLimits(2)
    workers = [SharedLimits(2, dup(parent.descriptor)) for _ in range(2)]
    try:
        yield parent, [each.of_worker(number, limits) for number, each in enumerate(workers, 1)]
    finally:
        for each in (parent, *workers):
            each.close()
