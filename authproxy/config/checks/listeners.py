"""Checks of listeners against each other, and against the rest."""

import os
import platform
from collections.abc import Iterator

from authproxy.config.checks.draft import Draft
from authproxy.config.readers.setting_names import Path
from authproxy.errors import Problem
from authproxy.settings import ListenerSettings
from authproxy.system.offers import user_id
from authproxy.values import Listen, did_you_mean

TELLS_USERS_OF_TCP = platform.system() == "Linux"
"""Others tell it to root, or in ways of their own, which nobody has tried."""

MAX_SOCKET_PATH = 107
"""Bytes: sun_path of unix(7) without the NUL at its end."""


def check_listeners(draft: Draft) -> Iterator[Problem]:
    """All about listeners."""
    yield from _open_listener(draft)
    yield from _nobody_allowed(draft)
    yield from _same_listener(draft)
    yield from _unknown_service(draft)
    yield from _without_proxy_protocol(draft)
    if draft.settings.tls_cert_file is not None and not any(
        each.listen.path is None for each in draft.settings.every_listener
    ):
        yield draft.warning(("tls_cert_file",), "has no effect: Unix sockets stay plain")
    for path, index, listener in draft.listeners():
        if listener.listen.path is not None:
            yield from _unix(draft, path, index, listener)
        elif len(path) > 1:
            yield from _tcp(draft, path[:-1], listener)


def _open_listener(draft: Draft) -> Iterator[Problem]:
    """A service's own `allow` does not help, and no key does: the listener is asked first."""
    if ("allow",) in draft.entries or ("allow_file",) in draft.entries:
        return
    for path, index, listener in draft.listeners():
        listen = listener.listen
        if listen.is_loopback or listener.allow or listener.allow_file:
            continue
        if draft.settings.keys:
            yield draft.warning(path, _KEYS_ALONE.format(listen=listen), index=index)
        else:
            here = f"--listen localhost:{listen.port}"
            yield draft.problem(path, _NOT_SAID.format(listen=listen, here=here), index=index)


_NOT_SAID = (
    "{listen} can be reached from other machines, and nothing says which of them may use it; write"
    ' allow = ["10.0.0.0/8"] or --allow 10.0.0.0/8 with your clients\' addresses, or listen on this'
    " machine only: {here}"
)
_KEYS_ALONE = (
    "{listen} can be reached from other machines, and all of them are refused, with a key too:"
    " allow is this machine only where nobody has said more; write it with your clients' addresses,"
    ' or allow = ["0.0.0.0/0", "::/0"] where keys alone decide'
)


def _nobody_allowed(draft: Draft) -> Iterator[Problem]:
    tables: list[Path] = [(), *(("listeners", name) for name in draft.settings.listeners)]
    for table in tables:
        entry = draft.entries.get((*table, "allow"))
        if entry is not None and entry.value == []:
            default = "the one at the top of the file" if table else "this machine only"
            yield entry.problem(
                f"is empty, so that nobody could connect; leave it out to allow {default}, or"
                ' write allow = ["10.0.0.0/8"] with your clients\' addresses'
            )


def _same_listener(draft: Draft) -> Iterator[Problem]:
    seen: list[Listen] = []
    for path, index, listener in draft.listeners():
        listen = listener.listen
        is_free = listen.port == 0 and listen.inherited is None
        other = None if is_free else next((each for each in seen if overlap(listen, each)), None)
        if other is not None:
            same = "has" if _has(listen, other) else "is a part of"
            same = "is listed twice" if other == listen else f"{same} {other}"
            yield draft.problem(path, f"{listen} {same}; remove one of them", index=index)
        seen.append(listen)


def overlap(one: Listen, other: Listen) -> bool:
    """Whether both would take the same connections."""
    if any(each.path is not None or each.inherited is not None for each in (one, other)):
        return str(one) == str(other)
    if one.port != other.port:
        return False
    return bool({*one.hosts} & {*other.hosts}) or _has(one, other) or _has(other, one)


def _has(one: Listen, other: Listen) -> bool:
    """Whether `one` takes all addresses, and so leaves none to `other`."""
    every_v4 = one.host == "0.0.0.0" and ":" not in other.host  # noqa: S104 -- compared with
    return one != other and (one.host == "::" or every_v4)


def _unknown_service(draft: Draft) -> Iterator[Problem]:
    known = draft.settings.services
    for name, listener in draft.settings.listeners.items():
        if listener.service is not None and listener.service not in known:
            yield draft.problem(
                ("listeners", name, "service"),
                f'there is no service "{listener.service}"'
                f"{did_you_mean(listener.service, known)}; there are {', '.join(known)}",
            )


def _without_proxy_protocol(draft: Draft) -> Iterator[Problem]:
    """What is about the PROXY protocol says nothing without it."""
    says = "has no effect: it is about listeners with proxy_protocol = true"
    listeners = draft.settings.listeners
    for name, listener in listeners.items():
        at = ("listeners", name, "proxy_local")
        if draft.is_given(at) and not listener.proxy_protocol:
            yield draft.warning(at, says)
    others = [each for each in draft.settings.every_listener if not each.proxy_protocol]
    if draft.settings.health_path == "/" and others:
        yield draft.problem(
            ("health_path",),
            "/ is the front page of services, and nobody could get that any more; write another"
            ' path, as in health_path = "/healthz"',
        )


def _unix(
    draft: Draft, path: Path, index: int | None, listener: ListenerSettings
) -> Iterator[Problem]:
    """The file's mode and the user's number say who may connect there, and no address does."""
    listen = listener.listen
    assert listen.path is not None  # noqa: S101 -- for the type checker: it is a Unix socket
    if len(os.fsencode(str(listen.path))) > MAX_SOCKET_PATH:
        yield draft.problem(
            path, f"the path of a socket has {MAX_SOCKET_PATH} bytes at most", index=index
        )
    elif not listen.is_abstract and not listen.path.parent.is_dir():
        yield draft.warning(path, f"there is no folder {listen.path.parent}", index=index)
    if len(path) == 1:
        return
    table = path[:-1]
    for key in ("allow", "allow_file", "deny", "deny_file"):
        if (*table, key) in draft.entries and not listener.proxy_protocol:
            yield draft.warning(
                (*table, key),
                "has no effect: the clients of a Unix socket have no address; socket_mode and"
                " peer_uids say who may connect",
            )
    if listen.is_abstract and (*table, "socket_mode") in draft.entries:
        yield draft.warning(
            (*table, "socket_mode"),
            "has no effect: an abstract socket has no file; peer_uids says who may connect",
        )
    yield from _users(draft, table, listener)


def _users(draft: Draft, table: Path, listener: ListenerSettings) -> Iterator[Problem]:
    mode, uids = listener.socket_mode, listener.peer_uids
    if listener.listen.is_abstract:
        return
    if mode & 0o002 and not uids and not draft.settings.keys:
        yield draft.warning(
            (*table, "socket_mode"),
            f"{mode:04o} lets every user of this machine use your identity; add peer_uids, or write"
            ' "0660" for a group',
        )
    others = [uid for uid in uids if uid not in (0, user_id())]
    if others and not mode & 0o022:
        yield draft.warning(
            (*table, "peer_uids"),
            f"user {others[0]} cannot open the socket, whose mode is {mode:04o}; add"
            ' socket_mode = "0660" for its group, or "0666"',
        )


def _tcp(draft: Draft, table: Path, listener: ListenerSettings) -> Iterator[Problem]:
    if listener.listen.inherited is None and listener.peer_uids:
        said = _without_users(listener.listen)
        if said is not None:
            yield draft.problem((*table, "peer_uids"), said)
    if listener.listen.inherited is None and (*table, "socket_mode") in draft.entries:
        yield draft.warning(
            (*table, "socket_mode"), f"has no effect: {listener.listen} is no Unix socket"
        )


def _without_users(listen: Listen) -> str | None:
    """Why nobody says which users come in by this TCP listener; None where the kernel does."""
    if not listen.is_loopback:
        return (
            f"{listen} can be reached from other machines, and only clients on this one have a"
            " user; write allow, or listen on this machine only"
        )
    if not TELLS_USERS_OF_TCP:
        return (
            f"only Linux says whose a TCP connection is, and this is {platform.system()}; listen on"
            ' a Unix socket, as in listen = "unix:/run/authproxy.sock", where users are known too'
        )
    return None
