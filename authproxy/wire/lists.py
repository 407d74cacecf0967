"""Access lists from files: read at the start, and again when a file changes.

A new list is taken once the files have been the same for two looks, as most programs do not write
a file at one go, and half of a `deny` list would let people in. A list with mistakes is not taken.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from authproxy.config.files import Mark, mark
from authproxy.config.lists import read_networks
from authproxy.errors import ConfigError, Problem
from authproxy.identity.thread import in_thread
from authproxy.policy.access import AccessList
from authproxy.values import Network

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0

OnChange = Callable[[AccessList], None]
Marks = tuple[Mark | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSources:
    """What an access list is made of: networks that are written down, and more of them in files."""

    allow: tuple[Network, ...] = ()
    deny: tuple[Network, ...] = ()
    allow_files: tuple[Path, ...] = ()
    deny_files: tuple[Path, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        return (*self.allow_files, *self.deny_files)

    def read(self) -> AccessList:
        """Raises ConfigError, with the problems of all files. May block."""
        problems: list[Problem] = []
        allow, deny = list(self.allow), list(self.deny)
        for found, files, key in (
            (allow, self.allow_files, "allow_file"),
            (deny, self.deny_files, "deny_file"),
        ):
            for file in files:
                try:
                    found += read_networks(file, key=key)
                except ConfigError as error:
                    problems += error.problems
        if problems:
            raise ConfigError(problems)
        return AccessList(allow=allow, deny=deny)


@dataclass(slots=True, kw_only=True)
class _Watched:
    sources: ListSources
    on_change: OnChange
    seen: Marks
    """Of the content that was read last."""
    pending: Marks
    """At the last look."""


class ListWatch:
    """Looks after all access lists that come from files, in one place."""

    def __init__(self) -> None:
        self._watched: list[_Watched] = []

    def add(self, sources: ListSources, on_change: OnChange) -> AccessList:
        """The list as it is now; `on_change` is called with each one that follows.

        Raises ConfigError, and then nothing is watched.
        """
        marks = tuple(map(mark, sources.files))  # before they are read: what changes then is seen
        access = sources.read()
        if sources.files:
            self._watched.append(
                _Watched(sources=sources, on_change=on_change, seen=marks, pending=marks)
            )
        return access

    async def keep_fresh(self) -> None:
        """Look at the files until cancelled; ends at once when there are none."""
        while self._watched:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except Exception:
                logger.exception("a look at the lists of addresses failed")

    async def look(self) -> None:
        """Take what is new and has settled. Files are only touched in a thread.

        A network drive that hangs, or a list that takes a second to read, must not stop the loop.
        """
        files = {file for each in self._watched for file in each.sources.files}
        found = await in_thread(_marks, files, name="list-files")
        for each in self._watched:
            marks = tuple(found[file] for file in each.sources.files)
            settled, each.pending = marks == each.pending, marks
            if settled and marks != each.seen:
                each.seen = marks
                await _take(each)

    def __repr__(self) -> str:
        return f"<ListWatch [{len(self._watched)} lists]>"


async def _take(watched: _Watched) -> None:
    names = " and ".join(map(str, watched.sources.files))
    try:
        access = await in_thread(watched.sources.read, name="list-files")
    except ConfigError as error:
        told = " | ".join(map(str, error.problems))
        logger.warning("the new list in %s is not used, and the old one stays: %s", names, told)
        return
    watched.on_change(access)
    logger.info("the new list in %s is used from now on: %r", names, access)


def _marks(files: set[Path]) -> Mapping[Path, Mark | None]:
    return {file: mark(file) for file in files}
