"""Valid settings beside what somebody wrote: what every check of the whole gets to see."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from authproxy.config.readers.entries import Entries, find_nearest
from authproxy.config.readers.setting_names import FLAGS, VARIABLES, Path
from authproxy.errors import Problem
from authproxy.settings import ListenerSettings, ServiceSettings, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Valid settings with the entries they were made from, invalid ones included."""

    settings: Settings
    entries: Entries
    environ: Mapping[str, str]

    def services(self) -> Iterator[tuple[Path, ServiceSettings]]:
        for name, service in self.settings.services.items():
            yield ("services", name), service

    def listeners(self) -> Iterator[tuple[Path, int | None, ListenerSettings]]:
        """Each with its path, and its place in the list if it stands in one."""
        every = self.settings.every_listener
        for index, listener in enumerate(every[: len(self.settings.listen)]):
            yield ("listen",), index, listener
        for name, listener in self.settings.listeners.items():
            yield ("listeners", name, "listen"), None, listener

    def problem(self, path: Path, message: str, *, index: int | None = None) -> Problem:
        """At the entry for `path`, else at what the service was first named with."""
        entry = find_nearest(self.entries, path) or find_nearest(self.entries, path[:2])
        if entry is None:  # two defaults that do not go together
            return Problem(where="defaults", key=".".join(path), message=message)
        return entry.problem(message, index=index)

    def warning(self, path: Path, message: str, *, index: int | None = None) -> Problem:
        """What is worth saying though it runs."""
        return replace(self.problem(path, message, index=index), warns=True)

    def is_given(self, path: Path) -> bool:
        """Whether somebody wrote it, be it the default."""
        return path in self.entries

    def is_for_all(self, path: Path) -> bool:
        """Whether it was written for every service at once, by a flag or a plain variable."""
        entry = self.entries.get(path)
        return entry is not None and entry.key in (*FLAGS, *VARIABLES)

    def texts(self, path: Path) -> Sequence[str]:
        """A list of texts as it was written, or nothing."""
        entry = self.entries.get(path)
        value = entry.value if entry is not None else ()
        many = value if isinstance(value, list) else str(value).split(",") if value else []
        return [item for item in many if isinstance(item, str)]
