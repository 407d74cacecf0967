"""Modules of Python's that are loaded when something of them is used, not when they are imported.

What imports them belongs to others: `inspect`, without which there are no dataclasses, imports
`ast` for what it hardly ever does (from Python 3.13 on), and aiofastnet imports `tempfile`, with
all kinds of archives.
`importlib.util.LazyLoader` does not serve: `import` alone looks at a module's `__spec__`, and that
has it load.
"""

import importlib
import sys
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """In the place of a module until that is used, and for whoever has imported it before."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def put_off(*names: str) -> None:
    """From now on, in this process. What is loaded already stays as it is."""
    for name in names:
        sys.modules.setdefault(name, _Later(name))
