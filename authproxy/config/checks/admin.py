"""Checks of the admin listener's settings against each other and against the rest."""

import os
from collections.abc import Iterator
from pathlib import Path as FilePath

from authproxy.config.checks.draft import Draft
from authproxy.config.checks.listeners import MAX_SOCKET_PATH, overlap
from authproxy.config.files.reading import is_stream
from authproxy.config.files.secrets import resolve_secret
from authproxy.config.readers.setting_names import Path
from authproxy.errors import Problem, StartError

SHORTEST_KEY = 16
_NEEDS = (("admin_allow",), ("admin_key",), ("admin_quit",))


def check_admin(draft: Draft) -> Iterator[Problem]:
    """All about it."""
    spec = draft.settings.admin
    if spec.kind == "at":
        yield from _address(draft)
    else:
        yield from _without(draft)
    yield from _key(draft)


def _address(draft: Draft) -> Iterator[Problem]:
    listen, allow = draft.settings.admin.listen, draft.settings.admin_allow
    at: Path = ("admin",)
    if listen.path is not None:
        if len(os.fsencode(str(listen.path))) > MAX_SOCKET_PATH:
            yield draft.problem(at, f"the path of a socket has {MAX_SOCKET_PATH} bytes at most")
        elif not listen.is_abstract and not listen.path.parent.is_dir():
            yield draft.warning(at, f"there is no folder {listen.path.parent}")
    if not listen.is_loopback and not allow:
        yield draft.problem(
            at,
            f"{listen} can be reached from other machines, and nothing says which of them may ask"
            ' for probes and metrics; write admin_allow = ["10.0.0.0/8"] with the network of your'
            f" kubelet or Prometheus, or listen on this machine only: --admin {listen.port}",
        )
    if listen.is_loopback and allow:
        yield draft.warning(
            ("admin_allow",), f"has no effect: only this machine can connect to {listen}"
        )
    for each in draft.settings.every_listener:
        if (listen.path is not None or listen.port) and overlap(listen, each.listen):
            yield draft.problem(
                at, f"{listen} is where clients connect; give the admin listener another one"
            )


def _without(draft: Draft) -> Iterator[Problem]:
    is_off = draft.settings.admin.kind == "off"
    for path in _NEEDS:
        is_wanted = bool(getattr(draft.settings, path[0]))
        if is_wanted and (is_off or path == ("admin_allow",)):
            why = "it is off" if is_off else "by default it is for this machine only"
            yield draft.warning(
                path, f'has no effect on the admin listener: {why}; write admin = "0.0.0.0:4040"'
            )


def _key(draft: Draft) -> Iterator[Problem]:
    ref = draft.settings.admin_key
    if ref is None:
        return
    if ref.kind == "file" and is_stream(FilePath(ref.value)):
        return
    try:
        key = resolve_secret(ref, draft.environ).reveal()
    except StartError as error:
        yield draft.problem(("admin_key",), str(error))
        return
    if len(key) < SHORTEST_KEY:
        yield draft.problem(
            ("admin_key",),
            f"{ref} has fewer than {SHORTEST_KEY} characters and could be guessed; authproxy key"
            " makes a good one",
        )
