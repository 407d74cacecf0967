"""What a target is, and what its oracles share."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass


class Broken(AssertionError):  # noqa: N818 -- a finding
    """A promise does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One parser, or several that read the same."""

    play: Callable[[bytes], object]
    """Raises when something does not hold."""
    modules: tuple[str, ...]
    """Below `authproxy`: whose parsers it feeds."""
    seeds: tuple[bytes, ...]
    """Inputs to begin from; all must hold."""


def same(one: object, other: object, what: str) -> None:
    if one != other:
        raise Broken(f"{what}: {one!r:.500} is not {other!r:.500}")


def holds(truth: object, what: str) -> None:
    if not truth:
        raise Broken(what)


def may_raise(*errors: type[BaseException]) -> AbstractContextManager[None]:
    """The errors that a parser documents; every other one is a finding."""
    return suppress(*errors)


def text(data: bytes) -> str:
    """As text comes to a parser: what is no UTF-8 stands for itself, as in the environment."""
    return data.decode("utf-8", "surrogateescape")


def pieces(data: bytes) -> list[bytes]:
    """The same bytes in pieces, cut where their first byte says."""
    step = 1 + (data[0] % 7 if data else 0)
    return [data[at : at + step] for at in range(0, len(data), step)]
