"""The values that count, from TOML file, environment and command line.

Each of the three becomes a list of entries: a value, its path and the place where it was written.
A later entry replaces an earlier one with the same path: flags beat environment beats file.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path as FilePath

from authproxy.config.files.reading import absolute
from authproxy.config.readers import environment, keywords, toml
from authproxy.config.readers.entries import Entry, find_nearest
from authproxy.config.readers.old_names import OLD_NAMES, OldName
from authproxy.config.readers.setting_names import EVERY, Path
from authproxy.errors import ConfigError, Problem

_PATHS_IN = {
    "listen": ("unix:",),
    "admin": ("unix:",),
    "admin_key": ("file:",),
    "credentials": ("file:", "token-file:"),
    "api_key": ("file:",),
    "secret_headers": ("file:",),
    "ca_file": ("",),
    "client_cert_file": ("",),
    "client_key_file": ("",),
    "tls_cert_file": ("",),
    "tls_key_file": ("",),
    "allow_file": ("",),
    "deny_file": ("",),
    "file": ("",),
    "egress_proxy": ("file:",),
}
"""Which values name a file, and what stands before its path."""

_NAMED_FILE = re.compile(r"[A-Za-z0-9_-]+:\s*file:")
"""A header whose value is in a file."""

_CLASH = 'the service "{name}" is already defined at {at}; write OTHERNAME=https://… for this one'


class Collected:
    """Settings read so far: the entry that counts for each path, and the problems."""

    def __init__(self, environ: Mapping[str, str], renamed: Sequence[OldName] = OLD_NAMES) -> None:
        self.entries: dict[Path, Entry] = {}
        self.problems: list[Problem] = []
        self.file: FilePath | None = None
        """The one that was read, or should have been."""
        self._environ = environ
        self._renamed = renamed

    def read_file(self, file: FilePath | None) -> None:
        """The file, or the one that AUTHPROXY_CONFIG names; no other place is looked into."""
        where, key = environment.COMMAND_LINE, "--config"
        if file is None and self._environ.get(environment.CONFIG):
            file = FilePath(self._environ[environment.CONFIG])
            where, key = environment.WHERE, environment.CONFIG
        self.file = file
        if file is None:
            return
        try:
            entries, problems = toml.read(file, where=where, key=key, renamed=self._renamed)
        except ConfigError as error:
            entries, problems = [], list(error.problems)
        self._add(entries)
        self.problems += problems

    def read_urls(self, urls: Sequence[str]) -> None:
        """URLs as arguments replace those of AUTHPROXY_URL; both come on top of the file's."""
        where, key = environment.COMMAND_LINE, "URL"
        if not urls:
            urls = environment.split_urls(self._environ.get(environment.URL, ""))
            where, key = environment.WHERE, environment.URL
        entries, problems = environment.read_urls(urls, where=where, key=key)
        for entry in entries:
            known = find_nearest(self.entries, entry.path[:2])
            if known is not None:
                problems.append(entry.problem(_CLASH.format(name=entry.path[1], at=known.where)))
        self._add(entries)
        self.problems += problems

    def read_variables(self) -> None:
        """What an argument says stays."""
        entries, problems = environment.read_variables(self._environ, self.entries, self._renamed)
        said = {
            path for path, each in self.entries.items() if each.where == environment.COMMAND_LINE
        }
        self._add([entry for entry in entries if entry.is_mark or entry.path not in said])
        self.problems += problems

    def read_flags(self, flags: Mapping[str, object]) -> None:
        self._add(environment.read_flags(flags))

    def read_keywords(
        self, services: keywords.Services, given: Mapping[str, object], where: str
    ) -> None:
        """What a Python program hands over."""
        found = keywords.read(services, given, where, self._renamed)
        self._add([item for item in found if isinstance(item, Entry)])
        self.problems += [item for item in found if isinstance(item, Problem)]

    def make_paths_absolute(self) -> None:
        """A path in a file is relative to that file's folder; a `~` must lead somewhere."""
        for path, entry in list(self.entries.items()):
            try:
                value = self._absolute(entry.value, _PATHS_IN.get(path[-1], ()), entry.folder)
                self.entries[path] = replace(entry, value=value)
            except ValueError as error:
                self.problems.append(entry.problem(str(error)))
                del self.entries[path]

    def _absolute(self, value: object, prefixes: Sequence[str], folder: FilePath) -> object:
        if isinstance(value, list):
            return [self._absolute(item, prefixes, folder) for item in value]
        if isinstance(value, str) and prefixes and (named := _NAMED_FILE.match(value)):
            prefixes = (named[0],)
        for prefix in prefixes:
            if isinstance(value, str) and value.startswith("unix:@"):
                return value
            if isinstance(value, str) and value.startswith(prefix) and value != prefix:
                rest = value.removeprefix(prefix).strip()
                return prefix + absolute(rest, folder, self._environ)
        return value

    def _add(self, entries: Sequence[Entry]) -> None:
        """Later entries win; one for every service becomes one for each."""
        services = services_in([*self.entries, *(entry.path for entry in entries)])
        for entry in entries:
            names = services if EVERY in entry.path else [""]
            for single in map(entry.for_service, names):
                if not (single.is_mark and single.path in self.entries):
                    self.entries[single.path] = single


def services_in(paths: Iterable[Path]) -> list[str]:
    """The names of services, in the order in which they were first named."""
    names = (path[1] for path in paths if path[0] == "services")
    return [name for name in dict.fromkeys(names) if name != EVERY]
