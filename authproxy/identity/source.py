"""What a source of tokens is, and what it is asked for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from authproxy.exchange import NO_TOKEN, Token


class Source(Protocol):
    """Makes identity tokens. The first of authproxy's two extension points.

    `mint` may block for seconds: it is called in threads, for a few audiences at once.
    """

    @property
    def name(self) -> str:
        """As in the configuration, for logs: `metadata`, `file:/run/key.json`, `gcloud`."""

    def mint(self, audience: str, /) -> Token:
        """Return a new token for `audience`; raises CredentialError and nothing else."""


@runtime_checkable
class OnFiles(Protocol):
    """A source that depends on files: when one of them changes, a failure may be over."""

    @property
    def paths(self) -> Sequence[Path]:
        """Whether they exist or not. Reads no file."""


def paths_of(source: Source) -> tuple[Path, ...]:
    return tuple(source.paths) if isinstance(source, OnFiles) else ()


class NoSource:
    """`none`: the decision to send no token, known without asking."""

    name = "none"

    def mint(self, audience: str, /) -> Token:
        return NO_TOKEN
