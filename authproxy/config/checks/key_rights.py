"""Rights of each key: an account that can be had, methods and paths that somebody lets through."""

from collections.abc import Iterator, Mapping

from authproxy.config.checks.credentials import CANNOT_IMPERSONATE
from authproxy.config.checks.draft import Draft
from authproxy.config.checks.rules import find_superfluous, find_unknown_methods
from authproxy.config.readers.setting_names import Path
from authproxy.errors import Problem
from authproxy.settings import KeySettings, ServiceSettings
from authproxy.values.methods import NEVER_PASS
from authproxy.values.path_rules import find_misfits, is_in, overlap

Opened = Mapping[str, ServiceSettings]
"""The services that a key opens, by name."""


def check_key_rights(draft: Draft) -> Iterator[Problem]:
    """For every key."""
    for name, key in draft.settings.keys.items():
        services = draft.settings.services.items()
        opened = {each: service for each, service in services if key.opens(each)}
        at = ("keys", name)
        if key.impersonate is not None:
            yield from _account(draft, (*at, "impersonate"), key.impersonate, opened)
        yield from _methods(draft, (*at, "methods"), key, opened)
        yield from _paths(draft, (*at, "paths"), key, opened)


def _account(draft: Draft, at: Path, account: str, opened: Opened) -> Iterator[Problem]:
    if account.rpartition("@")[2] in ("gmail.com", "googlemail.com"):
        yield draft.problem(
            at,
            "is a person's address, and only service accounts can be impersonated; write"
            " NAME@PROJECT.iam.gserviceaccount.com",
        )
    for name, service in opened.items():
        kind = service.credentials.kind
        if kind in CANNOT_IMPERSONATE:
            yield draft.problem(
                at,
                f'the service "{name}" has credentials of the kind "{kind}", which cannot act as a'
                " service account; give it others, or name the key's services without it",
            )
    if opened and all(service.impersonate == account for service in opened.values()):
        yield draft.warning(at, "has no effect: the services themselves act as this account")


def _methods(draft: Draft, at: Path, key: KeySettings, opened: Opened) -> Iterator[Problem]:
    yield from find_unknown_methods(draft, at, key.methods)
    usable = [name for name in key.methods if name not in NEVER_PASS]
    if key.methods and not usable:
        yield draft.problem(at, "leaves no method that may be used; leave one in")
    if not usable or not opened:
        return
    lost = [name for name in usable if not any(_lets(each, name) for each in opened.values())]
    if len(lost) == len(usable):
        yield draft.problem(at, "no service that the key opens allows any of these methods")
        return
    for name in lost:
        yield draft.warning(at, f"{name} has no effect: no service that the key opens allows it")
    for name, service in opened.items():
        if not any(_lets(service, method) for method in usable):
            yield draft.warning(at, f'the service "{name}" allows none of these methods')


def _lets(service: ServiceSettings, method: str) -> bool:
    is_allowed = not service.methods or method in service.methods
    return is_allowed and method not in service.deny_methods


def _paths(draft: Draft, at: Path, key: KeySettings, opened: Opened) -> Iterator[Problem]:
    yield from find_superfluous(draft, at, key.paths)
    if not key.paths or not opened:
        return
    lost = [
        not any(_leads_into(service, rule) for service in opened.values()) for rule in key.paths
    ]
    if all(lost):
        yield draft.problem(at, "no service that the key opens lets any of these paths through")
        return
    for index, rule in enumerate(key.paths):
        if lost[index]:
            sentence = f'"{rule}" has no effect: no service that the key opens lets it through'
            yield draft.warning(at, sentence, index=index)
    if len(opened) == 1:
        (service,) = opened.values()
        for _, index, sentence in find_misfits(
            key.paths, (), service.path, strips=service.strip_path
        ):
            yield draft.warning(at, sentence, index=index)


def _leads_into(service: ServiceSettings, rule: str) -> bool:
    """Whether something below `rule` passes the service's own rules."""
    is_allowed = not service.paths or any(overlap(rule, each) for each in service.paths)
    return is_allowed and not any(is_in(rule.lower(), each.lower()) for each in service.deny_paths)
