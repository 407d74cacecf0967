"""Count of workers: as configured, or one for each CPU."""

import os
from collections.abc import Callable
from pathlib import Path

from authproxy.errors import StartError
from authproxy.settings import Settings
from authproxy.workers.crew import Crew
from authproxy.workers.missing import missing_with_workers
from authproxy.workers.worker_channel import is_possible

CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
"""How much of the CPUs a container may use: a time and a period, in microseconds (cgroups(7))."""


def find_crew(settings: Settings, make: Callable[[int], Crew] = Crew) -> Crew | None:
    """None where one process does it all. Raises StartError."""
    count = count_workers(settings)
    if count == 1:
        return None
    try:
        return make(count)
    except OSError as error:
        raise StartError(
            f"there is no memory that several workers could share: {error.strerror}",
            hint="Set TMPDIR to a folder that this user may write to, or write workers = 1.",
        ) from None


def count_workers(settings: Settings) -> int:
    """Raises StartError where several are wanted and cannot be had."""
    wanted = settings.workers
    count = count_cpus() if wanted == "auto" else wanted
    if count == 1:
        return 1
    if not is_possible():
        raise StartError(
            "several workers need a system where processes hand each other their sockets",
            hint="Write workers = 1; to use more CPUs, run several of authproxy at several ports.",
        )
    missing = list(missing_with_workers(settings))
    if missing:
        raise StartError(
            f"with {count} workers there is no {' and no '.join(missing)} yet",
            hint="Write workers = 1, or leave that out.",
        )
    return count


def count_cpus(quota: Path = CPU_MAX) -> int:
    """CPUs that this process may use, at least one; a share of one counts as one."""
    here = getattr(os, "sched_getaffinity", None)
    count = len(here(0)) if here is not None else os.cpu_count() or 1
    try:
        time, period = quota.read_text().split()
        return max(1, min(count, -(-int(time) // int(period))))
    except (OSError, ValueError):  # no container, or no quota: `max`
        return count
