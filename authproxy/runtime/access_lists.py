"""Access lists that come from files, in part or as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import ClassVar

from authproxy.config.files.network_lists import read_networks
from authproxy.policy.access.networks import AccessList
from authproxy.values import Network

Networks = tuple[Network, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFile:
    """One file with networks."""

    file: Path
    key: str
    """The setting that names it."""
    what: ClassVar[str] = "list"

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.file,)

    def read(self) -> Networks:
        """Raises ConfigError. May block."""
        return read_networks(self.file, key=self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListSources:
    """Sources of an access list: networks that are written down, and files with more of them."""

    allow: Networks = ()
    deny: Networks = ()
    allow_files: tuple[Path, ...] = ()
    deny_files: tuple[Path, ...] = ()

    @property
    def parts(self) -> tuple[NetworkFile, ...]:
        allow = (NetworkFile(file=file, key="allow_file") for file in self.allow_files)
        deny = (NetworkFile(file=file, key="deny_file") for file in self.deny_files)
        return (*allow, *deny)

    def combine(self, read: Sequence[Networks]) -> AccessList:
        """The list, with what was read of `parts`, in their order."""
        count = len(self.allow_files)
        return AccessList(
            allow=[*self.allow, *chain(*read[:count])], deny=[*self.deny, *chain(*read[count:])]
        )
