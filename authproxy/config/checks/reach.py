"""Checks of who can pass at all: rules that let in no client, or all, or have no effect."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path as FilePath

from authproxy.config.checks.draft import Draft
from authproxy.config.files.network_lists import read_networks
from authproxy.config.readers.setting_names import Path
from authproxy.errors import ConfigError, Problem
from authproxy.settings import ListenerSettings, ServiceSettings, Settings
from authproxy.values import LOOPBACK, Network, find_host_bits
from authproxy.values.ranges import EVERYBODY, Range, common, joined, ranges_of, without

HERE = (IPv4Network("127.0.0.1"), IPv6Network("::1"))
"""Where programs of this machine come from, unless they choose otherwise."""
MAX_BYTES = 64 * 1024
"""Of a file with networks: some 4,000 of them."""

Table = Settings | ListenerSettings | ServiceSettings


def check_reach(draft: Draft) -> Iterator[Problem]:
    """For all listeners, and for the services behind them."""
    yield from _host_bits(draft)
    try:
        yield from _passing(draft)
    except (ConfigError, OSError):
        return  # a list that cannot be read, which is said elsewhere
    finally:
        _read.cache_clear()


def _host_bits(draft: Draft) -> Iterator[Problem]:
    """`10.1.2.3/8` is a range of 16 million addresses, and may be meant as one address."""
    for path, _ in _tables(draft):
        for key in ("allow", "deny", "trusted_proxies"):
            for index, text in enumerate(draft.texts((*path, key))):
                try:
                    meant = find_host_bits(text)
                except ValueError:
                    continue
                if meant is not None:
                    address = text.strip().partition("/")[0]
                    yield draft.warning(
                        (*path, key),
                        f"{text.strip()} is the whole range {meant}; write that, or {address} for"
                        " the one address",
                        index=index,
                    )


def _passing(draft: Draft) -> Iterator[Problem]:
    """Raises ConfigError for a list that cannot be read."""
    settings = draft.settings
    let_in: dict[str | None, list[Range]] = {}
    for path, _, listener in draft.listeners():
        table = path[:-1]
        own: Table = listener if listener.allow or listener.allow_file else settings
        at = table if own is listener else ()
        allow, reach = _allowed(own), _reach(draft, listener)
        if not allow and own.allow_file is None:
            continue  # an empty list, of which it is said elsewhere
        if reach is None:
            let_in.setdefault(listener.service, []).extend(ranges_of(EVERYBODY))
            continue
        deny = ranges_of((*_denied(settings), *_denied(listener)))
        passing = without(common(reach, allow), deny)
        let_in.setdefault(listener.service, []).extend(passing)
        yield from _nobody(draft, at, table, listener, allow, reach, deny)
        yield from _everybody(draft, at, listener, allow)
    yield from _beyond_reach(draft)
    yield from _idle_denials(draft, (), settings.deny, _union(draft))
    for path, service in draft.services():
        yield from _of_service(draft, path, service, let_in)


def _nobody(
    draft: Draft,
    at: Path,
    table: Path,
    listener: ListenerSettings,
    allow: Sequence[Range],
    reach: Sequence[Range],
    deny: Sequence[Range],
) -> Iterator[Problem]:
    passing = without(common(reach, allow), deny)
    if passing:
        yield from _nobody_usual(draft, at, table, listener, passing)
        return
    key = next((key for key in ("allow", "allow_file") if (*at, key) in draft.entries), "allow")
    if not allow:
        yield draft.warning((*at, "allow_file"), "has no addresses, so nobody can connect yet")
    elif not common(reach, allow):
        yield draft.warning(
            (*at, key),
            f"lets nobody in: only clients of this machine reach {listener.listen}, and none of"
            f" them is in it; add 127.0.0.1 and ::1, or listen elsewhere: {_elsewhere(listener)}",
        )
    else:
        places = [(*place, name) for place in (table, ()) for name in ("deny", "deny_file")]
        place = next((each for each in places if each in draft.entries), (*at, key))
        says = "denies all who are allowed, so that nobody could connect; take some out"
        changes = listener.deny_file or draft.settings.deny_file
        yield draft.warning(place, says) if changes else draft.problem(place, says)


def _nobody_usual(
    draft: Draft, at: Path, table: Path, listener: ListenerSettings, passing: Sequence[Range]
) -> Iterator[Problem]:
    """Whoever asks this machine by any of its loopback addresses comes from one of two."""
    usual = [
        network
        for network in HERE
        if listener.listen.host == "localhost"
        or (network.version == 6) == (":" in listener.listen.host)
    ]
    if not listener.listen.is_loopback or draft.settings.trusted_proxies or listener.proxy_protocol:
        return
    if common(passing, ranges_of(usual)):
        return
    places = [(*table, "deny"), ("deny",), (*table, "deny_file"), ("deny_file",), (*at, "allow")]
    yield draft.warning(
        next((each for each in places if each in draft.entries), (*at, "allow_file")),
        "lets almost nobody in: programs on this machine come from"
        f" {' or '.join(str(each[0]) for each in usual)}",
    )


def _elsewhere(listener: ListenerSettings) -> str:
    return f'"0.0.0.0:{listener.listen.port}"'


def _everybody(
    draft: Draft, at: Path, listener: ListenerSettings, allow: Sequence[Range]
) -> Iterator[Problem]:
    """On a listener that others reach; where there are keys, those say who may pass."""
    whole = [each for each in EVERYBODY if not without(ranges_of([each]), allow)]
    if listener.listen.is_loopback or draft.settings.keys or not whole:
        return
    key = "allow" if (*at, "allow") in draft.entries else "allow_file"
    yield draft.warning(
        (*at, key),
        f"{whole[0]} is every address: anyone who can reach {listener.listen} uses your"
        " identity; name your"
        " clients' networks, or make them show a key: authproxy key makes one",
    )


def _beyond_reach(draft: Draft) -> Iterator[Problem]:
    """Networks that are let in and cannot come, as long as somebody can."""
    settings = draft.settings
    tables: list[tuple[Path, Table, Sequence[ListenerSettings]]] = [
        ((), settings, [each for each in settings.every_listener if not each.allow])
    ]
    tables += [(("listeners", name), each, [each]) for name, each in settings.listeners.items()]
    for path, table, listeners in tables:
        reaches = [_reach(draft, each) for each in listeners]
        known = [each for each in reaches if each is not None]
        if not known or len(known) < len(reaches) or not common(known[0], ranges_of(table.allow)):
            continue
        for index, network in enumerate(table.allow):
            is_all = network.prefixlen == 0 and all(each == ranges_of(LOOPBACK) for each in known)
            if is_all or not any(common(each, ranges_of([network])) for each in known):
                yield from _cannot_come(draft, (*path, "allow"), listeners[0], network, index)


def _cannot_come(
    draft: Draft, at: Path, listener: ListenerSettings, network: Network, index: int
) -> Iterator[Problem]:
    if at in draft.entries:
        yield draft.warning(
            at,
            f"{network} has no effect: only clients of this machine reach {listener.listen}; to"
            f" let others connect write listen = {_elsewhere(listener)}",
            index=index,
        )


def _of_service(
    draft: Draft, path: Path, service: ServiceSettings, let_in: dict[str | None, list[Range]]
) -> Iterator[Problem]:
    some = service.allow or service.allow_file
    allow = _allowed(service) if some else ranges_of(EVERYBODY)
    deny = ranges_of(_denied(service))
    before = [*let_in.get(None, ()), *let_in.get(path[1], ())]
    passing = joined(before)
    if some and not allow and service.allow_file:
        yield draft.warning((*path, "allow_file"), "has no addresses, so nobody may use it yet")
    elif not passing:
        return
    elif not without(allow, deny) and service.deny_file is None:
        yield draft.problem((*path, "deny"), "denies all who are allowed; take some out")
    elif some and not common(passing, allow):
        key = "allow" if service.allow else "allow_file"
        yield draft.warning(
            (*path, key),
            "lets nobody in: none of them may connect at all; add them to allow at the top of the"
            " file, or of the listener",
        )
    elif not without(common(passing, allow), deny):
        yield draft.warning(
            (*path, "deny" if service.deny else "deny_file"),
            "lets nobody in: it denies all who may connect",
        )
    else:
        rest = common(passing, allow)
        yield from _idle_denials(draft, path, service.deny, rest)


def _idle_denials(
    draft: Draft, path: Path, denied: Sequence[Network], allowed: Sequence[Range]
) -> Iterator[Problem]:
    for index, network in enumerate(denied):
        if network.prefixlen == 0 and (*path, "deny") in draft.entries:
            yield draft.warning(
                (*path, "deny"), f"{network} is every IPv{network.version} address", index=index
            )
        elif allowed and not common(ranges_of([network]), allowed):
            yield draft.warning(
                (*path, "deny"), f"{network} has no effect: it is not allowed anyway", index=index
            )


def _union(draft: Draft) -> list[Range]:
    """All who are allowed at some listener, before anybody is denied."""
    settings, found = draft.settings, []
    for listener in settings.every_listener:
        own = listener if listener.allow or listener.allow_file else settings
        found += _allowed(own)
    return joined(found)


def _reach(draft: Draft, listener: ListenerSettings) -> list[Range] | None:
    """Who can connect there, by the address that counts; None: they are not asked for one."""
    listen, settings = listener.listen, draft.settings
    if listen.path is not None and not listener.proxy_protocol:
        return None
    is_told = settings.trusted_proxies or listener.proxy_protocol or listen.inherited is not None
    is_here = listen.is_loopback and not is_told
    return ranges_of(LOOPBACK if is_here else EVERYBODY)


def _allowed(table: Table) -> list[Range]:
    """Raises ConfigError."""
    is_alone = table.allow_file is not None and "allow" not in table.model_fields_set
    named = () if is_alone else table.allow
    return ranges_of((*named, *_read(table.allow_file)))


def _denied(table: Table) -> Sequence[Network]:
    """Raises ConfigError."""
    return (*table.deny, *_read(table.deny_file))


@lru_cache(maxsize=8)
def _read(file: FilePath | None) -> Sequence[Network]:
    """Each file once; what was read is forgotten when the checks are over.

    Raises ConfigError also for a file that is too long to be weighed here at each start.
    """
    if file is None:
        return ()
    if file.stat().st_size > MAX_BYTES:
        raise ConfigError([])
    return read_networks(file, key="")


def _tables(draft: Draft) -> Iterator[tuple[Path, Table]]:
    settings = draft.settings
    yield (), settings
    for name, listener in settings.listeners.items():
        yield ("listeners", name), listener
    yield from draft.services()
