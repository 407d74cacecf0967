"""The compiled build: with TESTED_BUILD=compiled, as `scripts/test-compiled` sets it, a run
fails before its first test unless every module of `compiled_modules.txt` comes from an extension.
"""

import os
from collections.abc import Iterator, Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

import pytest

IS_COMPILED = os.environ.get("TESTED_BUILD") == "compiled"
LISTED = (Path(__file__).parents[2] / "compiled_modules.txt").read_text().split()


def check_modules(listed: Sequence[str] = LISTED) -> None:
    """Raises UsageError for those that are listed and do not come from an extension."""
    if pure := list(not_compiled(listed)):
        raise pytest.UsageError(f"these should be compiled, and are not: {', '.join(pure)}")


def not_compiled(listed: Sequence[str]) -> Iterator[str]:
    """Where each comes from that comes from no extension."""
    for path in listed:
        name = path.removesuffix(".py").replace("/", ".")
        spec = find_spec(name)
        origin = None if spec is None else spec.origin
        if origin is None or not origin.endswith(tuple(EXTENSION_SUFFIXES)):
            yield f"{name} from {origin}"
