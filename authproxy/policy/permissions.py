r"""Which methods and which paths of a service may be used.

A service may read a path otherwise than it was written: decoded once more, `//` as `/`, `..` as the
folder above, `\` as `/`, without `;parameters`, in lower case. So where there are rules for paths,
every such reading must pass; one that does not is reason enough to refuse.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from authproxy.errors import Code, Refused

MAX_DECODED = 3
"""How many layers of percent-encoding are taken off; what has more is refused."""


_PLAIN = re.compile(rb"/|(?:/[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*)+")
"""A path that nobody can read in two ways, as most are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """What is denied wins; where nothing is allowed by name, all is that is not denied.

    Paths are prefixes of whole segments, as in `/admin`.
    """

    methods: frozenset[bytes] = frozenset()
    deny_methods: frozenset[bytes] = frozenset()
    paths: tuple[bytes, ...] = ()
    deny_paths: tuple[bytes, ...] = ()

    def check(self, method: bytes, target: bytes) -> None:
        """Raises Refused."""
        if method in self.deny_methods or (self.methods and method not in self.methods):
            raise self._method_refused()
        if self.paths or self.deny_paths:
            self._check_path(target.partition(b"?")[0])

    def _check_path(self, path: bytes) -> None:
        found = (path,) if _PLAIN.fullmatch(path) else readings(path)
        for reading in found:
            if _is_in(reading.lower(), self.deny_paths, fold=True):
                raise _path_refused(f"{_shown(reading)} is in deny_paths")
            if self.paths and not _is_in(reading, self.paths, fold=False):
                raise _path_refused(f"{_shown(reading)} is not in paths")

    def _method_refused(self) -> Refused:
        passing = (self.methods or _COMMON) - self.deny_methods
        return Refused(
            "This service may not be used with this method here.",
            code=Code.METHOD_NOT_ALLOWED,
            hint="Whoever runs authproxy can change `methods` and `deny_methods`.",
            fields={"Allow": ", ".join(sorted(method.decode() for method in passing))},
        )


def readings(path: bytes) -> Iterator[bytes]:
    """All that a service could take `path` for. Raises Refused for what is encoded too often."""
    for _ in range(MAX_DECODED + 1):
        yield path
        yield from _tidied(path)
        decoded = unquote_to_bytes(path)
        if decoded == path:
            return
        path = decoded
    raise _path_refused("the path is encoded too often")


def _tidied(path: bytes) -> Iterator[bytes]:
    if any(byte < 0x20 or byte == 0x7F for byte in path):
        raise _path_refused("the path has a control character")
    for slashed in {path, path.replace(b"\\", b"/")}:
        for bare in {slashed, _without_parameters(slashed)}:
            yield from {_resolved(bare, merge=True), _resolved(bare, merge=False)}
            # Windows does not see dots and spaces at the end of a name.
            yield _resolved(
                b"/".join(part.rstrip(b". ") or part for part in bare.split(b"/")), merge=True
            )


def _without_parameters(path: bytes) -> bytes:
    return b"/".join(part.partition(b";")[0] for part in path.split(b"/"))


def _resolved(path: bytes, *, merge: bool) -> bytes:
    """Without dot segments (RFC 3986 5.2.4); with `merge` also without empty ones."""
    parts: list[bytes] = []
    for part in path.split(b"/")[1:]:
        if part == b"..":
            parts = parts[:-1]
        elif part != b"." and (part or not merge):
            parts.append(part)
    return b"/" + b"/".join(parts)


def _is_in(path: bytes, prefixes: tuple[bytes, ...], *, fold: bool) -> bool:
    whole, begins = _written(prefixes, fold)
    return path in whole or path.startswith(begins)


@lru_cache(maxsize=1024)
def _written(prefixes: tuple[bytes, ...], fold: bool) -> tuple[frozenset[bytes], tuple[bytes, ...]]:
    """The prefixes as paths by themselves, and as what longer paths begin with."""
    if fold:
        prefixes = tuple(prefix.lower() for prefix in prefixes)
    return frozenset(prefixes), tuple(prefix.rstrip(b"/") + b"/" for prefix in prefixes)


def _path_refused(detail: str) -> Refused:
    return Refused(
        "This path of the service may not be used here.",
        code=Code.PATH_NOT_ALLOWED,
        hint="Whoever runs authproxy can change `paths` and `deny_paths`.",
        detail=detail,
    )


def _shown(path: bytes) -> str:
    return repr(path[:120].decode("latin-1"))


_COMMON = frozenset([b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"])
