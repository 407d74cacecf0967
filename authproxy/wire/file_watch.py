"""Settings that come from files: read at the start, and again when a file changes.

What is new is taken once the files have been the same for two looks, as most programs do not write
a file at one go, and half of a `deny` list would let people in. What has mistakes is not taken.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from authproxy.config.files import Mark, mark
from authproxy.errors import ConfigError, StartError
from authproxy.threads import in_thread

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0

Read = TypeVar("Read", covariant=True)
Taken = TypeVar("Taken")

Marks = tuple[Mark | None, ...]


class FromFiles(Protocol[Read]):
    """What is made of files."""

    @property
    def what(self) -> str:
        """For the log: `list`."""

    @property
    def files(self) -> tuple[Path, ...]: ...

    def read(self) -> Read:
        """Raises ConfigError or StartError. May block. Its `repr` goes to the log."""


@dataclass(slots=True, kw_only=True)
class _Watched:
    sources: FromFiles[Any]
    on_change: Callable[[Any], None]
    seen: Marks
    """Of the content that was read last."""
    pending: Marks
    """At the last look."""


class FileWatch:
    """Looks after everything that comes from files, in one place."""

    def __init__(self) -> None:
        self._watched: list[_Watched] = []

    def add(self, sources: FromFiles[Taken], on_change: Callable[[Taken], None]) -> Taken:
        """What there is now; `on_change` is called with each one that follows.

        Raises what `sources.read` raises, and then nothing is watched.
        """
        marks = tuple(map(mark, sources.files))  # before they are read: what changes then is seen
        taken = sources.read()
        if sources.files:
            self._watched.append(
                _Watched(sources=sources, on_change=on_change, seen=marks, pending=marks)
            )
        return taken

    async def keep_fresh(self) -> None:
        """Look at the files until cancelled; ends at once when there are none."""
        while self._watched:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except Exception:
                logger.exception("a look at the files of the configuration failed")

    async def look(self) -> None:
        """Take what is new and has settled. Files are only touched in a thread.

        A network drive that hangs, or a list that takes a second to read, must not stop the loop.
        """
        files = {file for each in self._watched for file in each.sources.files}
        found = await in_thread(_marks, files, name="files")
        for each in self._watched:
            marks = tuple(found[file] for file in each.sources.files)
            settled, each.pending = marks == each.pending, marks
            if settled and marks != each.seen:
                each.seen = marks
                await _take(each)

    def __repr__(self) -> str:
        return f"<FileWatch [{len(self._watched)} watched]>"


async def _take(watched: _Watched) -> None:
    what, names = watched.sources.what, " and ".join(map(str, watched.sources.files))
    try:
        taken = await in_thread(watched.sources.read, name="files")
    except (ConfigError, StartError) as error:
        told = " | ".join(str(error).splitlines())
        logger.warning("the new %s in %s is not used, and the old one stays: %s", what, names, told)
        return
    watched.on_change(taken)
    logger.info("the new %s in %s is used from now on: %r", what, names, taken)


def _marks(files: set[Path]) -> Mapping[Path, Mark | None]:
    return {file: mark(file) for file in files}
