"""Problems of a configuration that an engine is to have: all that it could not be told."""

import re
from collections.abc import Iterator, Sequence
from functools import partial

from authproxy.config.checks.draft import Draft
from authproxy.config.readers.egress_proxy import find_egress
from authproxy.config.readers.setting_names import TABLES, Path
from authproxy.errors import Problem, StartError
from authproxy.export.coverage import COVERAGE, By, EngineName
from authproxy.export.plan import names_put_on
from authproxy.settings import ServiceSettings, Settings
from authproxy.values import Listen

_FORM: dict[EngineName, str] = {"nginx": "listen", "caddy": "listen", "envoy": "grpc"}
"""How each asks: the setting of the authorizer with the address."""
_PORTS = {"listen": 9191, "grpc": 9192}
_FILES = ("tls_cert_file", "tls_key_file", "ca_file", "client_cert_file", "client_key_file")


def check_for(engine: EngineName, draft: Draft) -> Iterator[Problem]:
    """Everything that `engine` could not be told, each at its place."""
    yield from _uncovered(engine, draft)
    yield from _authorizer(engine, draft)
    for path, index, listener in draft.listeners():
        if path == ("listen",):
            problem = partial(draft.problem, path, index=index)
            yield from map(problem, _place(engine, listener.listen))
    for path, service in draft.services():
        yield from _service(engine, draft, path, service)
    if engine == "nginx":
        yield from _unremovable(draft)
    for path, file in _files(draft.settings):
        is_unquotable = engine == "caddy" and {"`", "\\"} <= set(file)
        if not file.isprintable() or set(file) & _SIGNS[engine] or is_unquotable:
            yield draft.problem(path, _UNWRITABLE.format(engine=engine, signs=_said(engine)))


_SIGNS: dict[EngineName, set[str]] = {"nginx": {"$"}, "caddy": {"{", "}"}, "envoy": set()}
"""What begins a variable in a file's name, whatever stands around it."""
_UNWRITABLE = "{engine} cannot be given a file whose name has {signs} in it; give it another name"


def _said(engine: EngineName) -> str:
    signs = " or ".join(sorted(_SIGNS[engine]))
    signs += ", or both ` and \\," if engine == "caddy" else ""
    return f"{signs} or control characters" if signs else "control characters"


def _uncovered(engine: EngineName, draft: Draft) -> Iterator[Problem]:
    """Each setting that somebody has written and the engine does not know."""
    for path, entry in draft.entries.items():
        row = COVERAGE.get(key_of(path))
        if entry.is_mark or row is None or row.by[engine] is not By.NOBODY:
            continue
        value = _value(draft.settings, path)
        if not any(value == idle or str(value) == idle for idle in row.idle):
            yield draft.problem(path, f"cannot be exported for {engine}; {row.advice}")


def key_of(path: Path) -> str:
    """As COVERAGE has it."""
    return ".".join((path[0], "*", *path[2:]) if path[0] in TABLES else path)


def _value(settings: Settings, path: Path) -> object:
    found: object = settings
    for part in path:
        found = found.get(part) if isinstance(found, dict) else getattr(found, part, None)
    return found


def _authorizer(engine: EngineName, draft: Draft) -> Iterator[Problem]:
    form = _FORM[engine]
    where = getattr(draft.settings.authorizer, form)
    path = ("authorizer", form)
    if where is None:
        yield draft.problem(
            path,
            f"is missing: {engine} has to ask authproxy about each request; write"
            f' [authorizer] with {form} = "127.0.0.1:{_PORTS[form]}"',
        )
    elif where.port == 0:
        yield draft.problem(path, "needs a port that stays the same; write one in place of 0")
    elif engine == "envoy" and not _is_address(where):
        yield draft.problem(path, _NO_NAME)


_NO_NAME = "is a name, and Envoy needs an address; write it as in 127.0.0.1"


def _is_address(listen: Listen) -> bool:
    return listen.host == "localhost" or ":" in listen.host or listen.host[-1:].isdecimal()


def _place(engine: EngineName, listen: Listen) -> Iterator[str]:
    if listen.path is not None or listen.inherited is not None:
        yield (
            f"{listen} cannot be exported: an engine's clients are known by their addresses; write"
            " an address and a port"
        )
    elif listen.port == 0:
        yield "needs a port that stays the same; write one in place of 0"
    elif engine == "envoy" and not _is_address(listen):
        yield _NO_NAME


def _service(
    engine: EngineName, draft: Draft, path: Path, service: ServiceSettings
) -> Iterator[Problem]:
    try:
        egress = find_egress(service, draft.settings, draft.environ)
    except StartError:
        return  # it was said by the checks of every configuration
    own = (*path, "egress_proxy")
    if egress is not None and not draft.is_given(own):
        at = ("egress_proxy",) if draft.is_given(("egress_proxy",)) else (*path, "url")
        yield draft.problem(
            at,
            f"the way to this service is through the proxy that {egress.source} names, which"
            f' {engine} cannot take; write egress_proxy = "none" for the service, if it can be'
            " reached without",
        )
    if engine == "caddy" and service.url.path:
        yield draft.problem(
            (*path, "url"),
            "a path in the address cannot be exported for caddy, which spells paths anew where it"
            " puts one before them; leave the path out, if clients can ask for it themselves",
        )
    if engine != "envoy":
        for name in names_put_on(service):
            if not re.fullmatch("[A-Za-z0-9-]+", name):
                yield draft.problem(
                    path,
                    f"{name} cannot be taken from an answer by {engine}; it needs a name of"
                    " letters, digits and hyphens",
                )


def _unremovable(draft: Draft) -> Iterator[Problem]:
    """nginx finds no field whose name has other signs: what it is to take away would pass."""
    settings = draft.settings
    names: list[tuple[Path, Sequence[str]]] = [
        (("key_header",), [settings.key_header] if settings.keys else [])
    ]
    names += [((*path, "remove_headers"), each.remove_headers) for path, each in draft.services()]
    for path, listed in names:
        for name in listed:
            if not re.fullmatch("[A-Za-z0-9_-]+", name):
                yield draft.problem(
                    path,
                    f"{name} cannot be taken away by nginx; it needs a name of letters, digits,"
                    " hyphens and underscores",
                )


def _files(settings: Settings) -> Iterator[tuple[Path, str]]:
    tables: list[tuple[Path, object]] = [((), settings)]
    tables += [(("services", name), each) for name, each in settings.services.items()]
    for path, table in tables:
        for name in _FILES:
            file = getattr(table, name, None)
            if file is not None:
                yield (*path, name), str(file)
