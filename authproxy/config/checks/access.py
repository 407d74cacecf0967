"""Checks of access rules against each other: keys, proxies, lists from files."""

import hashlib
from collections.abc import Iterator

from authproxy.config.checks.draft import Draft
from authproxy.config.files.inbound_keys import read_keys
from authproxy.config.files.network_lists import read_networks
from authproxy.config.readers.entries import get_nearest
from authproxy.config.readers.setting_names import Path
from authproxy.errors import ConfigError, Problem
from authproxy.settings import KeySettings, ListenerSettings, ServiceSettings, Settings
from authproxy.values import LOOPBACK, Listen, did_you_mean
from authproxy.values.ranges import EVERYBODY, common, ranges_of, without

_OF_NOTHING = frozenset(hashlib.sha256(text).hexdigest() for text in (b"", b"\n", b"\r\n"))


def check_keys(draft: Draft) -> Iterator[Problem]:
    for name, key in draft.settings.keys.items():
        yield from _key(draft, name, key)
    yield from _same_key(draft)
    if draft.settings.keys:
        yield from _opened_by_nobody(draft)
    elif draft.is_given(("key_header",)):
        yield draft.problem(
            ("key_header",),
            "has no effect: there are no keys; authproxy key makes one and says what to write,"
            " or remove it",
        )


def _key(draft: Draft, name: str, key: KeySettings) -> Iterator[Problem]:
    known = draft.settings.services
    at = ("keys", name)
    written = [
        draft.entries[(*at, each)].value
        for each in ("sha256", "file")
        if draft.is_given((*at, each))
    ]
    if not key.sha256 and key.file is None and not any(each != [] for each in written):
        yield draft.problem(
            ("keys", name), "has neither sha256 nor file; authproxy key makes a key for it"
        )
    for service in key.services:
        if service not in known:
            yield draft.problem(
                ("keys", name, "services"),
                f'there is no service "{service}"{did_you_mean(service, known)}; there are'
                f" {', '.join(known)}",
            )
    if key.file is not None:
        try:
            read_keys(key.file, name)
        except ConfigError as error:
            yield from error.problems


def _same_key(draft: Draft) -> Iterator[Problem]:
    """Of two names for one key the second would count, and nobody would know."""
    owners: dict[str, str] = {}
    for name, key in draft.settings.keys.items():
        for index, digest in enumerate(key.sha256):
            owner = owners.setdefault(digest, name)
            at = ("keys", name, "sha256")
            if digest in _OF_NOTHING:
                yield draft.problem(
                    at, "is the digest of an empty key; make one: authproxy key", index=index
                )
            elif owner != name:
                yield draft.problem(
                    at, f'is the key "{owner}" too; each name needs its own', index=index
                )


def _opened_by_nobody(draft: Draft) -> Iterator[Problem]:
    keys = draft.settings.keys.values()
    opened = {service for key in keys for service in key.services}
    if any(not key.services for key in keys):
        return
    for path, _ in draft.services():
        if path[1] not in opened:
            yield draft.warning(path, "cannot be used by anybody: no key lists it in its services")


def check_proxies(draft: Draft) -> Iterator[Problem]:
    proxies = draft.settings.trusted_proxies
    everybody = [each for each in EVERYBODY if not without(ranges_of([each]), ranges_of(proxies))]
    for index, network in enumerate(proxies):
        of_them = [each for each in everybody if each.version == network.version]
        if of_them:
            yield draft.problem(
                ("trusted_proxies",),
                f"{of_them[0]} is every address, so anybody could claim to be any client; name your"
                " load balancers' networks",
                index=index,
            )
    yield from _never_in_front(draft)
    for name, listener in draft.settings.listeners.items():
        if listener.proxy_protocol and not proxies:
            yield draft.problem(
                ("listeners", name, "proxy_protocol"),
                "the header must come from a load balancer that is trusted; add trusted_proxies"
                " with its address",
            )


def _never_in_front(draft: Draft) -> Iterator[Problem]:
    """Proxies on other machines, where only this one can connect."""
    settings = draft.settings
    here = ranges_of(LOOPBACK)
    if any(not _is_here(each.listen) for each in settings.every_listener):
        return
    for index, network in enumerate(settings.trusted_proxies):
        if not common(ranges_of([network]), here):
            yield draft.warning(
                ("trusted_proxies",),
                f"{network} has no effect: only this machine can connect, by"
                f" {settings.every_listener[0].listen}",
                index=index,
            )


def _is_here(listen: Listen) -> bool:
    """By its address; who connects to what systemd has opened nobody knows."""
    return listen.path is None and listen.inherited is None and listen.is_loopback


def check_lists(draft: Draft) -> Iterator[Problem]:
    settings = draft.settings
    tables: list[tuple[Path, Settings | ListenerSettings | ServiceSettings]] = [((), settings)]
    tables += [(("listeners", name), each) for name, each in settings.listeners.items()]
    for path, table in [*tables, *draft.services()]:
        for key, file in (("allow_file", table.allow_file), ("deny_file", table.deny_file)):
            if file is not None:
                entry = get_nearest(draft.entries, (*path, key))
                try:
                    read_networks(file, key=entry.key, where=entry.where)
                except ConfigError as error:
                    yield from error.problems
