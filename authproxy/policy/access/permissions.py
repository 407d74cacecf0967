"""Permissions: the methods and paths that may be used, at a service or with a key.

A service may read a path otherwise than it was written, see `readings`. So where there are rules
for paths, every such reading must pass; one that does not is reason enough to refuse. And it may
take the method or the path out of a header field, see `overrides`: where there are rules, no such
field passes.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache

from authproxy.errors import Code, Refused
from authproxy.policy.access.overrides import METHOD_FIELDS, PATH_FIELDS
from authproxy.policy.access.path_readings import PathError, folded, readings
from authproxy.policy.access.targets import shown_path

MOST_NAMED = 8
"""Methods or paths that a refusal lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permissions:
    """Rules of one service or key: denied wins; without any `allow`, all is allowed that is not
    denied.

    Paths are prefixes of whole segments, as in `/admin`. What is denied is so in any case, as some
    services read `delete` as DELETE and /Admin as /admin; what is allowed must be written as the
    rule is. Methods are in capitals here.
    """

    methods: frozenset[bytes] = frozenset()
    deny_methods: frozenset[bytes] = frozenset()
    paths: tuple[bytes, ...] = ()
    deny_paths: tuple[bytes, ...] = ()
    key: str = ""
    """The name of the key whose rules these are; empty: they are a service's."""

    def check(self, method: bytes, target: bytes) -> None:
        """`target` is what the service gets. Raises Refused."""
        if method.upper() in self.deny_methods or (self.methods and method not in self.methods):
            raise self._method_refused(method)
        if self.paths or self.deny_paths:
            self._check_path(target.partition(b"?")[0])

    def check_overrides(self, names: AbstractSet[bytes]) -> None:
        """`names`: those of `overrides` that the request has, in lower case. Raises Refused."""
        if self.methods or self.deny_methods:
            _refuse_any(names & METHOD_FIELDS, "method", self.key)
        if self.paths or self.deny_paths:
            _refuse_any(names & PATH_FIELDS, "path", self.key)

    def _check_path(self, path: bytes) -> None:
        try:
            found = readings(path) if path != b"*" else (path,)
        except PathError as error:
            raise self._path_refused(str(error)) from None
        for reading in found:
            if _is_in(folded(reading), self.deny_paths, fold=True):
                raise self._path_refused(f"{_shown(reading)} is in deny_paths")
            if self.paths and not _is_in(reading, self.paths, fold=False):
                raise self._path_refused(f"{_shown(reading)} is not in paths")

    def _path_refused(self, detail: str) -> Refused:
        if self.key:
            return self._refused_to_key("path", "paths that begin with", self.paths, detail)
        return Refused(
            "This path is not allowed for this service.",
            code=Code.PATH_NOT_ALLOWED,
            hint="The settings `paths` and `deny_paths` of authproxy decide.",
            detail=detail,
        )

    def _method_refused(self, method: bytes) -> Refused:
        if self.key:
            detail = f"{method.decode('latin-1')[:40]} is not in methods"
            return self._refused_to_key("method", "the methods", sorted(self.methods), detail)
        passing = (self.methods or _COMMON) - self.deny_methods
        return Refused(
            "This method is not allowed for this service.",
            code=Code.METHOD_NOT_ALLOWED,
            hint="The settings `methods` and `deny_methods` of authproxy decide.",
            fields={"Allow": ", ".join(sorted(method.decode() for method in passing))},
        )

    def _refused_to_key(
        self, what: str, which: str, passing: Sequence[bytes], detail: str
    ) -> Refused:
        """403 also for a method: it is not the service that does not know it."""
        *names, last = [each.decode() for each in passing[:MOST_NAMED]]
        told = f"{', '.join(names)} or {last}" if names else last
        more = f", and {len(passing) - MOST_NAMED} more" if len(passing) > MOST_NAMED else ""
        return Refused(
            f"The key {self.key} may not be used with this {what}.",
            code=Code.KEY_NOT_ALLOWED,
            hint=f"It is for {which} {told}{more}: the setting `{what}s` of [keys.{self.key}] in"
            " the configuration of authproxy decides.",
            detail=f"the key {self.key}: {detail}",
        )


def _is_in(path: bytes, prefixes: tuple[bytes, ...], *, fold: bool) -> bool:
    whole, begins = _written(prefixes, fold)
    return path in whole or path.startswith(begins)


@lru_cache(maxsize=1024)
def _written(prefixes: tuple[bytes, ...], fold: bool) -> tuple[frozenset[bytes], tuple[bytes, ...]]:
    """The prefixes as paths by themselves, and as what longer paths begin with."""
    if fold:
        prefixes = tuple(prefix.lower() for prefix in prefixes)
    return frozenset(prefixes), tuple(prefix.rstrip(b"/") + b"/" for prefix in prefixes)


def _refuse_any(names: AbstractSet[bytes], what: str, key: str) -> None:
    if names:
        name = min(names).decode()
        whose = f"the key {key}" if key else "this service"
        raise Refused(
            f"The field {name} could change the request's {what} after authproxy has checked it.",
            code=Code.OVERRIDE_NOT_ALLOWED,
            hint=f"Leave it out: {whose} has rules for {what}s, and the field could get"
            " around them.",
        )


def _shown(path: bytes) -> str:
    return repr(shown_path(path)[:120].decode("latin-1"))


_COMMON = frozenset([b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"])
