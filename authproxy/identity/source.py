"""Protocol of a source of tokens, and of what else is fetched like one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from authproxy.errors import Code
from authproxy.exchange import NO_TOKEN, Token

GOOGLE_APIS = "Google APIs"
"""What access tokens are for: they have no audience."""


class Source(Protocol):
    """Makes identity tokens. One of authproxy's two extension points; the other is an observer of
    exchanges (`exchange.Observer`).

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


@runtime_checkable
class HearsOfRejection(Protocol):
    """A source that keeps what it hands out, and must not hand this one out again."""

    def rejected(self, audience: str, /) -> None:
        """The service takes the last token for `audience` for invalid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Names for a source's product in log lines and errors."""

    name: str
    """`token for https://…`"""
    missing: str
    """The same where it is not there: `identity token for https://…`"""
    code: Code = Code.TOKEN_UNAVAILABLE
    """What requests are answered that would need it."""


@runtime_checkable
class MakesOther(Protocol):
    """A source of something that is no token, but is fetched and kept fresh like one."""

    def product(self, audience: str, /) -> Product:
        """How logs and errors are to call what `mint` returns for `audience`. Asks nobody."""


def product_of(source: Source, audience: str) -> Product:
    if isinstance(source, MakesOther):
        return source.product(audience)
    name = f"token for {audience or GOOGLE_APIS}"
    return Product(name=name, missing=f"{'identity' if audience else 'access'} {name}")


def paths_of(source: Source) -> tuple[Path, ...]:
    return tuple(source.paths) if isinstance(source, OnFiles) else ()


class NoSource:
    """`none`: the decision to send no token, known without asking."""

    name = "none"

    def mint(self, audience: str, /) -> Token:
        return NO_TOKEN
