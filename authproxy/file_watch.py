"""Values made of files (lists, keys, secrets, certificates), read anew when they change.

Also tells whoever waits for it, as a source of tokens does after a failure, that a file is another.

What is new is taken once a file has been the same for two looks, as most programs do not write a
file at one go, and half of a `deny` list would let people in. What has mistakes is not taken.

Files are touched in threads only: a network drive that hangs, or a list that takes a second to
read, must not stop the loop. And each by itself: one that hangs is left to its thread, with a line
in the log, and all others are looked at as before.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from authproxy.config.files.reading import Mark, mark
from authproxy.errors import ConfigError, Problem, StartError
from authproxy.tasks import CallLater, Tasks, Timer, loop_call_later
from authproxy.threads import in_thread, within

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
DEADLINE_S = 3.0
"""After that a file is said to hang. Its thread goes on, and what it brings is used."""

Part = TypeVar("Part", covariant=True)
Read = TypeVar("Read")
Taken = TypeVar("Taken")

Marks = tuple[Mark | None, ...]
"""What can be told of files without reading them; None for one that is not there."""


class FromFiles(Protocol[Part]):
    """Made of one file, or of some that must change together, as a certificate and its key."""

    @property
    def what(self) -> str:
        """One word for the log, in the singular: `list`."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Without those that reading uses up. Asked for in the event loop: it must not block."""

    def read(self) -> Part:
        """What the files hold now. Raises ConfigError or StartError. May block: it is called in
        threads, for one reading at a time."""


class _Group:
    """Parts that are looked at one by one and used together."""

    def __init__(
        self, combine: Callable[[Sequence[Any]], Any], on_change: Callable[[Any], None]
    ) -> None:
        self.parts: list[Any] = []
        self.combine = combine
        self.on_change = on_change
        self._version = 0

    async def put(self, at: int, part: object) -> object:
        """Use `part` from now on; what is made of all of them now."""
        self.parts[at] = part
        self._version = version = self._version + 1
        whole: object = await in_thread(self.combine, list(self.parts), name="files")
        if version == self._version:  # else a newer one is being put
            self.on_change(whole)
        return whole


@dataclass(frozen=True, slots=True)
class _Unread:
    """Files that somebody else reads, who also says what came of it."""

    files: tuple[Path, ...]
    what: ClassVar[str] = ""

    def read(self) -> None:
        """Nothing to do."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Watched:
    source: FromFiles[Any]
    group: _Group
    at: int
    seen: Marks
    """Of the content that was read last."""
    pending: Marks
    """At the last look."""
    is_read: bool = False
    """Somebody is reading it."""

    @property
    def names(self) -> str:
        return " and ".join(map(str, self.source.files))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    files: tuple[Path, ...]
    seen: Marks
    changed: Callable[[], None]


class _Round:
    """Looks at files in a thread, one after the other."""

    def __init__(self, files: list[Path], look_at: Callable[[Path], Mark | None]) -> None:
        self._files = files
        self._look_at = look_at
        self.found: dict[Path, Mark | None] = {}
        self.is_given_up = False

    def run(self) -> None:
        for file in self._files:
            found = self._look_at(file)
            if self.is_given_up:
                return
            self.found[file] = found


class FileWatch:
    """Looks after everything that comes from files, in one place."""

    def __init__(
        self,
        call_later: CallLater = loop_call_later,
        *,
        tasks: Tasks | None = None,
        deadline_s: float = DEADLINE_S,
        look_at: Callable[[Path], Mark | None] = mark,
    ) -> None:
        self._call_later = call_later
        self._deadline_s = deadline_s
        self._look_at = look_at
        self._watched: list[_Watched] = []
        self._waiting: dict[object, _Waiting] = {}
        self._hung: dict[Path, asyncio.Task[None]] = {}
        """Files at which a look has not come to an end."""
        self._tasks = Tasks() if tasks is None else tasks
        self._timer: Timer | None = None
        self._is_looking = False

    def add(
        self,
        source: FromFiles[Read],
        on_change: Callable[[Read], None],
    ) -> Read:
        """What there is now; `on_change` is called with each one that follows.

        Raises what `source.read` raises, and then nothing is watched.
        """
        return self.add_each([source], lambda parts: parts[0], on_change)

    def add_each(
        self,
        parts: Sequence[FromFiles[Read]],
        combine: Callable[[Sequence[Read]], Taken],
        on_change: Callable[[Taken], None],
    ) -> Taken:
        """What all parts make together; each is read anew by itself. `combine` may take long.

        Its `repr` goes to the log. Raises ConfigError with the problems of all parts.
        """
        group = _Group(combine, on_change)
        watched: list[_Watched] = []
        problems: list[Problem] = []
        for at, source in enumerate(parts):
            seen = _first_marks(source)  # before they are read: what changes then is seen
            try:
                group.parts.append(source.read())
            except ConfigError as error:
                problems += error.problems
            if source.files:
                watched.append(_Watched(source=source, group=group, at=at, seen=seen, pending=seen))
        if problems:
            raise ConfigError(problems)
        whole = combine(list(group.parts))
        self._watched += watched
        return whole

    def watch(self, files: tuple[Path, ...], seen: Marks, changed: Callable[[], None]) -> None:
        """Call `changed` whenever `files` are others, and have been the same for two looks.

        `seen`: as they were before somebody read them.
        """
        group = _Group(lambda _parts: None, lambda _whole: changed())
        group.parts.append(None)
        source = _Unread(files)
        self._watched.append(_Watched(source=source, group=group, at=0, seen=seen, pending=seen))

    def wait(
        self, who: object, files: tuple[Path, ...], seen: Marks, changed: Callable[[], None]
    ) -> None:
        """Call `changed` once, when `files` are no longer as they were `seen`."""
        if files and seen:
            self._waiting[who] = _Waiting(files=files, seen=seen, changed=changed)
            self.start()

    def forget(self, who: object) -> None:
        """It waits no longer."""
        self._waiting.pop(who, None)

    def start(self) -> None:
        """Look from now on, as long as there is anything to look at."""
        if self._timer is None and not self._is_looking and (self._watched or self._waiting):
            self._timer = self._call_later(LOOK_EVERY_S, self._wake)

    async def close(self) -> None:
        self._watched.clear()
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._tasks.cancel()

    def _wake(self) -> None:
        self._timer, self._is_looking = None, True
        self._tasks.spawn(self._look_and_go_on(), name="look at files")

    async def _look_and_go_on(self) -> None:
        try:
            await self.look()
        finally:
            self._is_looking = False
            self.start()

    async def look(self) -> None:
        """Take what is new and has settled, and tell those who wait for a change."""
        found = await self._find_marks()
        self._tell(found)
        reading = [self._read(each) for each in self._watched if _is_new(each, found)]
        if reading:
            await asyncio.wait(reading, timeout=self._deadline_s)
        for task in reading:
            if not task.done():
                logger.warning("%s: what was read before stays in use", task.get_name())

    def _tell(self, found: Mapping[Path, Mark | None]) -> None:
        for who, each in list(self._waiting.items()):
            if any(file in found and found[file] != mark for file, mark in _pairs(each)):
                del self._waiting[who]
                try:
                    each.changed()
                except Exception:
                    logger.exception("a change of %s could not be used", each.files[0])

    def _read(self, watched: _Watched) -> asyncio.Task[None]:
        watched.is_read, watched.seen = True, watched.pending
        name = f"the new {watched.source.what} in {watched.names} is taking long to read"
        return self._tasks.start(_take(watched), name=name)

    async def _find_marks(self) -> Mapping[Path, Mark | None]:
        """Of all files but those that hang."""
        self._forgive()
        found: dict[Path, Mark | None] = {}
        left = [file for file in self._files() if file not in self._hung]
        while left:
            look = _Round(left, self._look_at)
            task = self._tasks.start(in_thread(look.run, name="files"), name="look at files")
            await asyncio.wait((task,), timeout=self._deadline_s)
            found |= dict(look.found)
            left = left[len(look.found) :]
            if task.done():
                break
            look.is_given_up = True
            self._hung[left[0]] = task
            logger.warning(
                "%s cannot be read, as on a network drive that is gone: what was read before"
                " stays in use",
                left[0],
            )
            left = left[1:]
        return found

    def _files(self) -> Iterable[Path]:
        watched = (each.source.files for each in self._watched)
        waiting = (each.files for each in self._waiting.values())
        return dict.fromkeys(file for files in (*watched, *waiting) for file in files)

    def _forgive(self) -> None:
        for file, task in list(self._hung.items()):
            if task.done():
                del self._hung[file]
                logger.info("%s can be read again", file)

    def __repr__(self) -> str:
        return f"<FileWatch [{len(self._watched)} watched, {len(self._waiting)} waiting]>"


def marks(files: Iterable[Path]) -> Marks:
    """Of `files` as they are now. May block."""
    return tuple(map(mark, files))


def _first_marks(source: FromFiles[Any]) -> Marks:
    """None of them where it takes too long: reading will say so."""
    try:
        return within(lambda: marks(source.files), f"the files of a {source.what}")
    except TimeoutError:
        return ()


def _pairs(waiting: _Waiting) -> Iterable[tuple[Path, Mark | None]]:
    return zip(waiting.files, waiting.seen, strict=True)


def _is_new(watched: _Watched, found: Mapping[Path, Mark | None]) -> bool:
    """Has it changed since it was read, and not since the last look?"""
    files = watched.source.files
    if watched.is_read or not all(file in found for file in files):
        return False
    now = tuple(found[file] for file in files)
    settled, watched.pending = now == watched.pending, now
    return settled and now != watched.seen


async def _take(watched: _Watched) -> None:
    what, names = watched.source.what, watched.names
    try:
        part = await in_thread(watched.source.read, name="files")
        whole = await watched.group.put(watched.at, part)
        if what:
            logger.info("the new %s in %s is now in use: %r", what, names, whole)
    except (ConfigError, StartError) as error:
        told = " | ".join(str(error).splitlines())
        logger.warning(
            "the new %s in %s is not used; the old one stays in use: %s", what, names, told
        )
    except Exception:
        logger.exception("the new %s in %s could not be used", what, names)
    finally:
        watched.is_read = False
