"""`AUTHPROXY_…` variables, URLs and flags as entries."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from authproxy.config.readers.entries import Entry
from authproxy.config.readers.old_names import (
    OLD_NAMES,
    OldName,
    find_renamed,
    in_environment,
    moved,
    old_keys,
    old_variables,
    twins,
)
from authproxy.config.readers.service_names import name_for, split_name
from authproxy.config.readers.setting_names import (
    EVERY,
    FLAGS,
    PREFIX,
    TABLES,
    VARIABLES,
    Path,
    is_list,
)
from authproxy.errors import Problem
from authproxy.values import find_close, is_run_service

WHERE = "environment"
COMMAND_LINE = "command line"
CONFIG = PREFIX + "CONFIG"
URL = PREFIX + "URL"
PORT = PREFIX + "PORT"
PLACES = {PREFIX + "PROJECT": "project", PREFIX + "REGION": "region"}
"""Where services given by name are; no settings, as `--project` and `--region` are none."""

_TABLES = {f"{PREFIX}{table.upper()}_": table for table in TABLES}
_KUBERNETES = re.compile(
    r"AUTHPROXY_(?:.+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    r"|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)
"""What Kubernetes sets in every pod when a Service is called `authproxy` or `authproxy-…`."""

_LOG_LEVEL = "write AUTHPROXY_LOG_LEVEL=debug, or warning for less"
_INSTEAD = {
    PREFIX + "TOKEN": "write AUTHPROXY_CREDENTIALS=token-env:NAME with the name of a variable",
    PREFIX + "HOST": "write AUTHPROXY_LISTEN=localhost:8080, or AUTHPROXY_HOSTS for names",
    PREFIX + "KEY": "write AUTHPROXY_API_KEY=env:NAME for a key that the service requires, or"
    " AUTHPROXY_KEYS_NAME_FILE=PATH for one that clients show",
    **dict.fromkeys(
        (PREFIX + each for each in ("DEBUG", "VERBOSE", "QUIET", "LOG", "LOGLEVEL")), _LOG_LEVEL
    ),
}


_BETWEEN_HEADERS = re.compile(r",(?=\s*[A-Za-z0-9_-]+\s*:)")
"""A value may have commas too."""
_OTHERS = (CONFIG, URL, PORT, *PLACES)
_ALIASES = {
    PREFIX + flag.removeprefix("--").replace("-", "_").upper(): path for flag, path in FLAGS.items()
}
"""So that every flag is a variable by its own name: AUTHPROXY_TLS_CERT."""
_NOT_READ = "is not read: the names of variables are in capitals and begin with AUTHPROXY_"
_QUOTED = (
    "has quotation marks or brackets, which are a part of the value here; write it without them,"
    " and commas between several"
)


def read_variables(
    environ: Mapping[str, str], paths: Collection[Path], renamed: Sequence[OldName] = OLD_NAMES
) -> tuple[list[Entry], list[Problem]]:
    """Entries, those for every service first, and a problem for each unknown variable.

    `paths` are those known so far; a variable may also bring a new service or listener. An empty
    variable counts as not set.
    """
    general, named, problems = [], [], []
    old = _read_old(environ, paths, renamed)
    for name in sorted(environ.keys() - {item.key for item in old}):
        if _is_nearly_ours(name) and environ[name].strip():
            problems.append(Problem(where=WHERE, key=name, message=_NOT_READ, warns=True))
        if not name.startswith(PREFIX) or name in _OTHERS or not environ[name].strip():
            continue
        if _is_quoted(environ[name]):
            problems.append(Problem(where=WHERE, key=name, message=_QUOTED))
        elif (known := VARIABLES.get(name) or _ALIASES.get(name)) is not None:
            general.append(_entry(known, name, environ[name]))
        elif (path := _find_path(name, paths)) is not None:
            named.append(Entry(path=path[:2], where=WHERE, key=name, value=None))
            named.append(_entry(path, name, environ[name]))
        elif not (_is_of_kubernetes(name, environ[name]) or _is_of_exec(name, environ[name])):
            problems.append(_unknown(name))
    moved_here = [item for item in old if isinstance(item, Entry)]
    problems += [item for item in old if isinstance(item, Problem)]
    problems += twins(moved_here, [*general, *named])
    of_one = [each for each in moved_here if each.path[0] in TABLES and EVERY not in each.path]
    for_all = [each for each in moved_here if each not in of_one]
    return [*general, *for_all, *named, *of_one], problems


def read_urls(urls: Sequence[str], *, where: str, key: str) -> tuple[list[Entry], list[Problem]]:
    """An entry for the URL of each service, and a problem where a name is given twice."""
    entries: dict[str, Entry] = {}
    problems = []
    split = [split_name(text) for text in urls]
    given = [name for name, _ in split if name is not None]
    for name, url in split:
        chosen = name_for(url, {*entries, *given}) if name is None else name
        kind = "service" if is_run_service(url) else "url"
        entry = Entry(path=("services", chosen, kind), where=where, key=key, value=url)
        if chosen in entries:
            problems.append(entry.problem(f'two services are called "{chosen}"; rename one'))
        entries[chosen] = entry
    return list(entries.values()), problems


def split_urls(text: str) -> list[str]:
    """The value of AUTHPROXY_URL: separated by commas or spaces."""
    return text.replace(",", " ").split()


def read_flags(flags: Mapping[str, object]) -> list[Entry]:
    """Flags by their spelling, `--listen`; None and an empty tuple are flags not given."""
    return [
        Entry(path=FLAGS[flag], where=COMMAND_LINE, key=_spelled(flag, value), value=_plain(value))
        for flag, value in flags.items()
        if value is not None and value != ()
    ]


def _plain(value: object) -> object:
    """`--allow A,B` is `--allow A --allow B`, as in the environment."""
    if not isinstance(value, tuple):
        return value
    return [part for item in value for part in (_parts(item) if isinstance(item, str) else [item])]


def _parts(text: str) -> list[str]:
    return [part for part in map(str.strip, text.split(",")) if part] or [text]


def _spelled(flag: str, value: object) -> str:
    return f"--no-{flag.removeprefix('--')}" if value is False else flag


def _entry(path: Path, name: str, text: str) -> Entry:
    value: object = text.strip()
    if path[-1] in ("add_headers", "secret_headers"):
        value = [line.strip() for line in _BETWEEN_HEADERS.split(text) if line.strip()]
    elif is_list(path):
        value = _parts(text)
    return Entry(path=path, where=WHERE, key=name, value=value)


def _is_nearly_ours(name: str) -> bool:
    """AUTH_PROXY_URL, authproxy_url, AUTHPROXY__URL."""
    plain = name.upper().replace("_", "").replace("-", "")
    is_ours = re.match(r"AUTHPROXY_[A-Z]|_", name)  # _AUTHPROXY_COMPLETE is click's
    return plain.startswith("AUTHPROXY") and not is_ours


def _is_quoted(text: str) -> bool:
    """As a shell would not have passed it on: from a file of variables, or written as in TOML."""
    text = text.strip()
    begins = text[:1] in "\"'" and len(text) > 1 and text[-1] == text[0]
    return begins or text.startswith(('["', "['", '[ "'))


def _read_old(
    environ: Mapping[str, str], paths: Collection[Path], renamed: Sequence[OldName]
) -> list[Entry | Problem]:
    """What variables with old names say."""
    found: list[Entry | Problem] = []
    known = old_variables(renamed)
    for name in sorted(environ.keys() - VARIABLES.keys() - _ALIASES.keys()):
        if not name.startswith(PREFIX) or not environ[name].strip() or _is_quoted(environ[name]):
            continue
        path = known.get(name) or _find_path(name, paths, renamed)
        row = find_renamed(renamed, path) if path is not None else None
        if path is not None and row is not None:
            entry = replace(_entry(row.new, name, environ[name]), path=path)
            found += moved(row, entry, in_environment(row.target(path)))
    return found


def _find_path(name: str, paths: Collection[Path], renamed: Sequence[OldName] = ()) -> Path | None:
    """Where `AUTHPROXY_SERVICES_NAME_KEY` leads, with the longest key that fits."""
    start = next((start for start in _TABLES if name.startswith(start)), None)
    if start is None:
        return None
    table, rest = _TABLES[start], name.removeprefix(start)
    keys = {*TABLES[table].model_fields, *old_keys(renamed, table)}
    for key in sorted(keys, key=len, reverse=True):
        label = rest.removesuffix(f"_{key.upper()}")
        if label and label != rest:
            return (table, _called(label, table, paths), key)
    return None


def _called(label: str, table: str, paths: Collection[Path]) -> str:
    names = {path[1] for path in paths if path[0] == table}
    spelled = {name.upper().replace("-", "_"): name for name in names}
    return spelled.get(label, label.lower().replace("_", "-"))


def _is_of_kubernetes(name: str, value: str) -> bool:
    """`AUTHPROXY_PORT` is `tcp://10.0.0.1:80` there, and no number."""
    is_plain_port = re.search(r"(?<!_SERVICE)_PORT$", name) and "://" not in value
    return bool(_KUBERNETES.fullmatch(name)) and not is_plain_port


def _is_of_exec(name: str, value: str) -> bool:
    """What `authproxy exec` tells the command that it runs, which may be another authproxy."""
    is_address = value.startswith("http://127.0.0.1:")
    return is_address and name.endswith("_URL") and not name.startswith(tuple(_TABLES))


def _unknown(name: str) -> Problem:
    message = f"there is no such variable; {_INSTEAD.get(name) or _advice(name)}"
    return Problem(where=WHERE, key=name, message=message)


def _advice(name: str) -> str:
    for start, table in _TABLES.items():
        if name.startswith(start):
            known = [key.upper() for key in TABLES[table].model_fields]
            words = name.removeprefix(start).split("_")
            ends = ("_".join(words[at:]) for at in range(1, len(words)))
            close = next((found for end in ends if (found := find_close(end, known))), None)
            if close:
                return f"did you mean {start}NAME_{close}?"
            keys = ", ".join(known)
            return f"{start}NAME_ is followed by one of {keys}"
        rest = name.removeprefix(single := start.removesuffix("S_") + "_")
        if name.startswith(single) and _find_path(start + rest, ()):
            return f"did you mean {start}{rest}?"
    own = name.removeprefix(PREFIX).lower()
    for start, table in _TABLES.items():
        if own in TABLES[table].model_fields:
            return f"it belongs to one of them: {start}NAME_{own.upper()}"
    known = [each.removeprefix(PREFIX) for each in (*VARIABLES, *_ALIASES, *_OTHERS)]
    close = find_close(name.removeprefix(PREFIX), known)
    if close:
        return f"did you mean {PREFIX}{close}?"
    return "docs/configuration.md lists all; remove it or correct its name"
