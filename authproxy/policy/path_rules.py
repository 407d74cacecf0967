"""Which requests a rule for paths is about, and which rules are about none.

Rules are about the path that the service gets. With `strip_path` that is not the one that the
client asks for at a shared name, as `/billing/admin` reaches the service as `/admin`; by the
service's own name the two are the same.
"""

from collections.abc import Iterator, Sequence


def asked_path(rule: str, path: str | None, *, strips: bool) -> str:
    """What a client asks for at a shared name to get what `rule` is about."""
    return rule if not strips or path in (None, "/") else f"{path}{rule}".rstrip("/")


def find_misfits(
    paths: Sequence[str], deny_paths: Sequence[str], path: str | None, *, strips: bool
) -> Iterator[str]:
    """A sentence for each rule that fits nothing, or nothing at shared names such as localhost.

    `path` is the service's own, by which it is found at shared names.
    """
    for key, rules in (("paths", paths), ("deny_paths", deny_paths)):
        for rule in rules:
            if path is not None and path != "/":
                yield from _elsewhere(key, rule, path, strips=strips)
    for rule in deny_paths:
        if paths and not any(_overlap(rule.lower(), each.lower()) for each in paths):
            yield f'deny_paths "{rule}" fits nothing: paths lets nothing there through.'
    for rule in paths:
        above = next((each for each in deny_paths if _holds(each.lower(), rule.lower())), None)
        if above is not None:
            yield f'paths "{rule}" fits nothing: deny_paths "{above}" refuses all of it.'


def _elsewhere(key: str, rule: str, path: str, *, strips: bool) -> Iterator[str]:
    if strips and rule != "/" and _holds(path, rule):
        yield (
            f'{key} "{rule}" is about what the service gets, which is without {path} (strip_path):'
            f' write "{rule[len(path) :] or "/"}".'
        )
    elif not strips and not _overlap(path, rule):
        yield (
            f'{key} "{rule}" fits nothing at localhost, where this service is asked for {path} and'
            f' what is below it: write "{path}{rule}", or strip_path = true.'
        )


def _overlap(one: str, other: str) -> bool:
    return _holds(one, other) or _holds(other, one)


def _holds(folder: str, path: str) -> bool:
    """Whether `path` is `folder` or below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")
