"""What does not go together in who may pass: keys, proxies, lists from files."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from authproxy.config.entries import get_nearest
from authproxy.config.inbound import read_keys
from authproxy.config.keys import Path
from authproxy.config.lists import read_networks
from authproxy.errors import ConfigError, Problem
from authproxy.settings import ListenerSettings, ServiceSettings, Settings
from authproxy.values import did_you_mean

if TYPE_CHECKING:
    from authproxy.config.checks import Draft


def check_keys(draft: "Draft") -> Iterator[Problem]:
    known = draft.settings.services
    for name, key in draft.settings.keys.items():
        if not key.sha256 and key.file is None:
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


def check_proxies(draft: "Draft") -> Iterator[Problem]:
    proxies = draft.settings.trusted_proxies
    for index, network in enumerate(proxies):
        if network.prefixlen == 0:
            yield draft.problem(
                ("trusted_proxies",),
                f"{network} is everybody, so that anybody could claim any address; name your load"
                " balancers' networks",
                index=index,
            )
    for name, listener in draft.settings.listeners.items():
        if listener.proxy_protocol and not proxies:
            yield draft.problem(
                ("listeners", name, "proxy_protocol"),
                "the header must come from a load balancer that is trusted; add trusted_proxies"
                " with its address",
            )


def check_lists(draft: "Draft") -> Iterator[Problem]:
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
