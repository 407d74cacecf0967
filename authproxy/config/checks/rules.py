"""Rules for methods and paths: each must let somebody through, and do something."""

from collections.abc import Iterator, Sequence

from authproxy.config.checks.draft import Draft
from authproxy.config.readers.setting_names import Path
from authproxy.errors import Problem
from authproxy.settings import ServiceSettings
from authproxy.values import is_read_only
from authproxy.values.methods import COMMON, KNOWN, NEVER_PASS, of_its_own
from authproxy.values.path_rules import find_misfits, is_in


def check_rules(draft: Draft) -> Iterator[Problem]:
    """For every service."""
    for path, service in draft.services():
        for key in ("methods", "deny_methods"):
            yield from find_unknown_methods(draft, (*path, key), getattr(service, key))
        yield from _methods(draft, path, service)
        yield from _paths(draft, path, service)


def find_unknown_methods(draft: Draft, at: Path, names: Sequence[str]) -> Iterator[Problem]:
    """Methods that never pass, or that HTTP does not know."""
    for name in names:
        if name in NEVER_PASS:
            yield draft.warning(at, f"{name} has no effect: it never passes")
        elif name not in KNOWN:
            yield draft.warning(at, of_its_own(name))


def _methods(draft: Draft, path: Path, service: ServiceSettings) -> Iterator[Problem]:
    methods, denied, at = set(service.methods), set(service.deny_methods), (*path, "deny_methods")
    if any(map(is_read_only, draft.texts(at))):
        yield draft.problem(
            at,
            "denies GET, HEAD and OPTIONS, and lets POST and DELETE through; for a service that is"
            ' only read write methods = "read-only"',
        )
    elif methods and not methods - denied - {*NEVER_PASS}:
        where = at if methods & denied else (*path, "methods")
        yield draft.problem(where, "leaves no method that may be used; leave one in")
    elif not methods and denied >= {*COMMON}:
        yield draft.problem(at, "leaves no method that may be used; leave one in")
    elif methods:
        for name in sorted(denied - methods - {*NEVER_PASS}):
            yield draft.warning(at, f"{name} has no effect: it is not in methods anyway")
        for name in sorted(methods & denied):
            yield draft.warning(
                (*path, "methods"), f"{name} has no effect: deny_methods has it too"
            )


def _paths(draft: Draft, path: Path, service: ServiceSettings) -> Iterator[Problem]:
    paths, denied, at = service.paths, service.deny_paths, (*path, "deny_paths")
    if "/" in denied:
        yield draft.problem(at, "/ is every path, so that none could be used; name those to deny")
    elif paths and all(
        any(is_in(each.lower(), above.lower()) for above in denied) for each in paths
    ):
        yield draft.problem(at, "denies all that paths allows, so that none could be used")
    yield from _with_base(draft, path, service)
    yield from find_superfluous(draft, (*path, "paths"), paths)
    yield from find_superfluous(draft, at, denied)
    for key, index, sentence in find_misfits(
        paths, denied, service.path, strips=service.strip_path
    ):
        yield draft.warning((*path, key), sentence, index=index)


def _with_base(draft: Draft, path: Path, service: ServiceSettings) -> Iterator[Problem]:
    """Rules are about what comes below a service's url, which may have a path itself."""
    base = service.url.path
    for key in ("paths", "deny_paths"):
        for index, rule in enumerate(getattr(service, key)):
            if base and is_in(rule, base):
                yield draft.warning(
                    (*path, key),
                    f'"{rule}" is about {base}{rule} at the service: rules are about what comes'
                    f' below url; write "{rule[len(base) :] or "/"}"',
                    index=index,
                )


def find_superfluous(draft: Draft, at: Path, paths: tuple[str, ...]) -> Iterator[Problem]:
    """Paths that are in another one anyway."""
    if paths == ("/",) and at[-1] == "paths":
        yield draft.warning(at, "/ has no effect: it is every path; leave the setting out")
        return
    for index, each in enumerate(paths):
        above = next((one for one in paths if one != each and is_in(each, one)), None)
        if above is not None:
            yield draft.warning(at, f'"{each}" has no effect: it is in "{above}"', index=index)
