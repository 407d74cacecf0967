"""Access lists that come from files, in part or as a whole."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from authproxy.config.lists import read_networks
from authproxy.errors import ConfigError, Problem
from authproxy.policy.access import AccessList
from authproxy.values import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSources:
    """What an access list is made of: networks that are written down, and more of them in files."""

    allow: tuple[Network, ...] = ()
    deny: tuple[Network, ...] = ()
    allow_files: tuple[Path, ...] = ()
    deny_files: tuple[Path, ...] = ()
    what: ClassVar[str] = "list"

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
