"""Settings as text and as JSON, without what a command's arguments may give away."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence

from authproxy.config.readers.egress_proxy import find_egress
from authproxy.errors import Problem
from authproxy.settings import ServiceSettings, Settings
from authproxy.tables.frozen import Frozen
from authproxy.values import CredentialsSpec

Plain = str | int | float | bool | None | Sequence["Plain"] | Mapping[str, "Plain"]


def changed(model: Frozen, *, besides: Collection[str] = ()) -> dict[str, object]:
    """What differs from the defaults, as texts by the names of the keys."""
    values = {name: getattr(model, name) for name in _differing(model) if name not in besides}
    return {
        name.replace("_", " "): f"{value:04o}" if name == "socket_mode" else shown(value)
        for name, value in values.items()
    }


def shown(value: object) -> str:
    """A value as one would write it."""
    plain = _plain(value)
    if isinstance(plain, list):
        return ", ".join(map(shown, plain)) or "none"
    if isinstance(plain, bool):
        return "yes" if plain else "no"
    return f"{plain:.12g}" if isinstance(plain, float) else str(plain)


def as_json(
    settings: Settings | None,
    problems: Sequence[Problem],
    warnings: Sequence[Problem],
    environ: Mapping[str, str],
) -> str:
    """All that `authproxy check` knows; docs/configuration.md has the shape."""
    found: dict[str, Plain] = {
        "ok": not problems,
        "problems": [_problem(each) for each in problems],
        "warnings": [_problem(each) for each in warnings],
        "settings": None if settings is None else _table(settings),
        "changed": [] if settings is None else list(_paths(settings, "")),
        "services": {} if settings is None else _services(settings, environ),
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def _problem(problem: Problem) -> Plain:
    return {"where": problem.where, "key": problem.key, "message": problem.message}


def _services(settings: Settings, environ: Mapping[str, str]) -> Plain:
    """What follows from the settings of each service."""
    found: dict[str, Plain] = {}
    for name, service in settings.services.items():
        proxy = find_egress(service, settings, environ)
        by_itself = service.is_nowhere and service.audience is None
        found[name] = {
            "address": service.address,
            "audience": None if by_itself else service.token_audience or None,
            "token_header": service.header_for_token,
            "egress_proxy": None if proxy is None else str(proxy),
        }
    return found


def _table(model: Frozen) -> dict[str, Plain]:
    return {
        name: None
        if name == "url" and _is_nowhere(model)
        else f"{value:04o}"
        if name == "socket_mode"
        else _plain(value)
        for name, value in ((name, getattr(model, name)) for name in type(model).model_fields)
    }


def _plain(value: object) -> Plain:
    """As it would stand in the file."""
    if isinstance(value, Frozen):
        return _table(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, CredentialsSpec):
        return _credentials(value)
    if isinstance(value, tuple):
        return [_element(each) for each in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)


def _element(value: object) -> Plain:
    """Of a list; a header is a pair of its name and its value or the place of that."""
    return f"{value[0]}: {value[1]}" if isinstance(value, tuple) else _plain(value)


def _credentials(credentials: CredentialsSpec) -> str:
    """A command's arguments may hold what is nobody's business."""
    if credentials.kind != "command":
        return str(credentials)
    program, *arguments = credentials.value.split()
    return f"command:{program}{' …' if arguments else ''}"


def _paths(model: Frozen, above: str) -> Iterator[str]:
    """The keys that differ from their defaults, as in `services.billing.url`."""
    for name in _differing(model):
        value = getattr(model, name)
        if isinstance(value, Frozen):
            yield from _paths(value, f"{above}{name}.")
        elif isinstance(value, dict):
            for each, table in value.items():
                yield from _paths(table, f"{above}{name}.{each}.")
        else:
            yield f"{above}{name}"


def _differing(model: Frozen) -> Iterator[str]:
    for name, field in type(model).model_fields.items():
        is_other = field.is_required or getattr(model, name) != field.default
        if is_other and not (name == "url" and _is_nowhere(model)):
            yield name


def _is_nowhere(model: Frozen) -> bool:
    """A service by name, whose address nobody wrote."""
    return isinstance(model, ServiceSettings) and model.is_nowhere
