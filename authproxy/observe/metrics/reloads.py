"""Counts how often the configuration was read anew, and how that went."""

import time
from collections.abc import Callable


class Reloads:
    """Told by whoever reads a configuration while authproxy runs."""

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self.ok = self.failed = 0
        self._wall = wall
        self.succeeded_at = wall()
        """Wall clock, seconds: when what is in use was read; at first, the start."""

    def count(self, *, worked: bool) -> None:
        """One was read: `worked` says whether it is in use now."""
        if worked:
            self.ok += 1
            self.succeeded_at = self._wall()
        else:
            self.failed += 1
