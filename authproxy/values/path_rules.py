"""Checks of path rules: the paths that each is about, and rules that are about none.

Rules are about the path that the service gets. With `strip_path` that is not the one that the
client asks for at a shared name, as `/billing/admin` reaches the service as `/admin`; by the
service's own name the two are the same.
"""

from collections.abc import Iterator, Sequence

Misfit = tuple[str, int, str]
"""`paths` or `deny_paths`, the rule's place in it, and what is wrong."""


def asked_path(rule: str, path: str | None, *, strips: bool) -> str:
    """What a client asks for at a shared name to get what `rule` is about."""
    return rule if not strips or path in (None, "/") else f"{path}{rule}".rstrip("/")


def find_misfits(
    paths: Sequence[str], deny_paths: Sequence[str], path: str | None, *, strips: bool
) -> Iterator[Misfit]:
    """Each rule that fits nothing, or nothing at shared names such as localhost.

    `path` is the service's own, by which it is found at shared names.
    """
    if path is not None and path != "/":
        yield from _beside("paths", paths, path, strips=strips)
        yield from _beside("deny_paths", deny_paths, path, strips=strips)
    for index, rule in enumerate(deny_paths):
        if paths and not any(overlap(rule.lower(), each.lower()) for each in paths):
            yield "deny_paths", index, f'"{rule}" has no effect: paths lets nothing there through'
    for index, rule in enumerate(paths):
        above = next((each for each in deny_paths if is_in(rule.lower(), each.lower())), None)
        if above is not None:
            yield "paths", index, f'"{rule}" has no effect: deny_paths "{above}" refuses all of it'


def _beside(key: str, rules: Sequence[str], path: str, *, strips: bool) -> Iterator[Misfit]:
    for index, rule in enumerate(rules):
        sentence = _elsewhere(rule, path, strips=strips)
        if sentence:
            yield key, index, sentence


def _elsewhere(rule: str, path: str, *, strips: bool) -> str:
    if strips and rule != "/" and is_in(rule, path):
        return (
            f'"{rule}" is about what the service gets, which is without {path} (strip_path): write'
            f' "{rule[len(path) :] or "/"}"'
        )
    if not strips and not overlap(path, rule):
        return (
            f'"{rule}" has no effect at localhost, where this service is asked for {path} and what'
            f' is below it: write "{path}{rule}", or strip_path = true'
        )
    return ""


def overlap(one: str, other: str) -> bool:
    """Whether some path is in both."""
    return is_in(one, other) or is_in(other, one)


def is_in(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")
