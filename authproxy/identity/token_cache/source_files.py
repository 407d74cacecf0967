"""Notices that a file appeared, changed or went, on which a source of tokens depends.

Only while tokens cannot be had is anybody looking. The files are looked at in a thread: a network
drive that hangs must not stop the loop.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from authproxy.config.files import Mark, mark
from authproxy.identity.source import Source, paths_of
from authproxy.tasks import Tasks
from authproxy.threads import in_thread
from authproxy.timers import CallLater, Timer

EVERY_S = 2.0

Marks = tuple[Mark | None, ...]
"""What can be told of files without reading them; None for one that is not there."""


def marks(source: Source) -> Marks:
    """Of the files that `source` depends on, as they are now. May block."""
    return tuple(mark(path) for path in paths_of(source))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    source: Source
    seen: Marks
    changed: Callable[[], None]


class Watch:
    """Looks every EVERY_S while anybody waits for a change."""

    def __init__(self, tasks: Tasks, call_later: CallLater) -> None:
        self._tasks = tasks
        self._call_later = call_later
        self._waiting: dict[object, _Waiting] = {}
        self._timer: Timer | None = None

    def wait(self, who: object, source: Source, seen: Marks, changed: Callable[[], None]) -> None:
        """Call `changed` once, when the files of `source` are no longer as they were `seen`."""
        if not seen:
            return
        self._waiting[who] = _Waiting(source=source, seen=seen, changed=changed)
        if self._timer is None:
            self._arm()

    def forget(self, who: object) -> None:
        self._waiting.pop(who, None)

    def close(self) -> None:
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._timer = self._call_later(EVERY_S, self._wake)

    def _wake(self) -> None:
        self._tasks.spawn(self._look_and_go_on(), name="look at credential files")

    async def _look_and_go_on(self) -> None:
        try:
            await self._look()
        finally:
            self._timer = None
            if self._waiting:
                self._arm()

    async def _look(self) -> None:
        waiting = dict(self._waiting)
        sources = {each.source for each in waiting.values()}
        found = await in_thread(_all_marks, sources, name="credential-files")
        for who, each in waiting.items():
            if self._waiting.get(who) is each and found[each.source] != each.seen:
                del self._waiting[who]
                each.changed()


def _all_marks(sources: Iterable[Source]) -> Mapping[Source, Marks]:
    return {source: marks(source) for source in sources}
