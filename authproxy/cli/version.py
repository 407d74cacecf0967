"""Answer of `authproxy --version`: the version, and whether the hot path is compiled."""

from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from typing import Literal

from authproxy import __version__

HOT_MODULE = "authproxy.wire.relay.relay"
"""It has a part in every request, so it is among those that are compiled if any are."""


def built_as(module: str = HOT_MODULE) -> Literal["compiled", "pure"]:
    """By the file that `module` is loaded from; a compiled one goes before its source."""
    spec = find_spec(module)
    origin = "" if spec is None or spec.origin is None else spec.origin
    return "compiled" if origin.endswith(tuple(EXTENSION_SUFFIXES)) else "pure"


def describe() -> str:
    return f"{__version__} ({built_as()})"
