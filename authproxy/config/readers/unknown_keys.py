"""Suggestions for keys that do not exist, or not in that place."""

from collections.abc import Collection, Mapping

from authproxy.config.readers.setting_names import (
    EVERY,
    PATHS,
    SECTIONS,
    SERVICE_KEYS,
    TABLES,
    Path,
    find_below,
)
from authproxy.values import find_close

_LISTEN = 'to say where clients connect, write listen = "localhost:8080"'
_CHECKED = (
    "certificates are always checked; to trust another CA besides the system's, write ca_file"
)
_TIMEOUTS = "write connect_timeout, first_byte_timeout, stream_idle_timeout or total_timeout"
_NAMED = 'write service = "PROJECT/REGION/NAME" in [services.NAME]'
_CREDENTIALS = 'write credentials = "file:KEY.json", or token-file:PATH for a finished token'

_OTHERWISE: Mapping[str, str] = {
    **dict.fromkeys(("port", "host", "bind", "address", "addr", "ip", "interface"), _LISTEN),
    **dict.fromkeys(("insecure", "verify", "tls_verify", "verify_tls", "skip_verify"), _CHECKED),
    **dict.fromkeys(("verify_ssl", "ssl_verify", "insecure_skip_verify"), _CHECKED),
    **dict.fromkeys(("project", "region"), _NAMED),
    **dict.fromkeys(("whitelist", "allowlist", "allow_list", "allowed_ips"), "write allow"),
    **dict.fromkeys(("blacklist", "denylist", "deny_list", "block"), "write deny"),
    **dict.fromkeys(("cors", "cors_origins", "origins"), "write allow_origins"),
    **dict.fromkeys(("access_log", "accesslog"), "write access in [log]"),
    **dict.fromkeys(("verbose", "debug", "quiet", "loglevel"), 'write level = "debug" in [log]'),
    **dict.fromkeys(("rate_limit", "rps"), "write requests_per_second in [limits]"),
    **dict.fromkeys(("worker", "threads", "processes", "procs"), "write workers"),
}
"""By what other programs call it, at the top of the file and in a table."""

_OTHERWISE_IN: Mapping[str, Mapping[str, str]] = {
    "log": {
        **dict.fromkeys(("path", "filename", "output", "dir", "folder"), "write file"),
        **dict.fromkeys(("sampling", "sample_rate", "rate"), "write sample"),
        **dict.fromkeys(("useragent", "agent"), "write user_agent"),
        "project": "write trace_project",
    },
    "services": {
        **dict.fromkeys(("host", "hostname", "domain", "domains", "server_name"), "write hosts"),
        **dict.fromkeys(("upstream", "target", "backend", "endpoint", "address"), "write url"),
        **dict.fromkeys(("prefix", "path_prefix", "url_prefix", "route"), "write path"),
        **dict.fromkeys(("location", "base_path"), "write path"),
        **dict.fromkeys(("strip_prefix", "rewrite"), "write strip_path"),
        **dict.fromkeys(("timeout", "timeouts", "read_timeout", "idle_timeout"), _TIMEOUTS),
        **dict.fromkeys(("headers", "set_headers", "header"), "write add_headers"),
        **dict.fromkeys(("key_file", "credentials_file", "service_account_key"), _CREDENTIALS),
        **dict.fromkeys(("service_account", "act_as"), "write impersonate"),
        "name": "the name is in the table's own name: [services.NAME]",
        "port": "the port is a part of url",
        "key": "write api_key",
    },
    "keys": {
        **dict.fromkeys(
            ("key", "value", "secret"), "write file, or sha256: authproxy key --sha256 prints it"
        ),
        **dict.fromkeys(("hash", "digest", "sha-256", "sha_256"), "write sha256"),
        **dict.fromkeys(("service", "allow", "opens", "scope"), "write services"),
    },
    "timeouts": {
        **dict.fromkeys(("read", "response", "request", "upstream"), "write first_byte, or total"),
        **dict.fromkeys(
            ("idle", "stream", "tunnel"), "write stream_idle, or keep_alive for what waits"
        ),
        **dict.fromkeys(("shutdown", "grace", "stop"), "write drain"),
        **dict.fromkeys(("client", "header", "headers"), "write head"),
    },
    "limits": {
        **dict.fromkeys(("body", "max_body", "body_size", "max_body_size"), "write body_bytes"),
        **dict.fromkeys(("head", "header_bytes", "max_header_bytes"), "write head_bytes"),
        **dict.fromkeys(("rate", "rps", "requests", "rate_limit"), "write requests_per_second"),
        **dict.fromkeys(("max_connections",), "write connections"),
    },
    "listeners": {
        **dict.fromkeys(("mode", "umask", "permissions"), "write socket_mode"),
        **dict.fromkeys(("uid", "uids", "users", "user"), "write peer_uids"),
        **dict.fromkeys(
            ("tls", "tls_cert_file", "tls_key_file"), "it belongs at the top of the file"
        ),
    },
}


def advice(path: Path, value: object = None) -> str:
    """What to write instead of the unknown key at `path`, which has `value`."""
    *above, name = path
    known = find_below(tuple(above)) or ()
    word = name.lower().replace("-", "_")
    table = above[0] if above else ""
    said = _OTHERWISE_IN.get(table, {}).get(word) or _OTHERWISE.get(word)
    if said:
        return said
    own = _with_or_without_timeout(word, known)
    if own:
        return f'did you mean "{own}"?'
    if isinstance(value, dict):
        found = _with_dot(path, value) or _for_table(name, value, table)
        if found:
            return found
    elif word not in known and (places := _places_of(word)):
        return f"it belongs {places}"
    close = find_close(word, known)
    if close:
        return f'did you mean "{close}"?'
    return f"known here: {', '.join(known)}" if known else "remove it or correct its name"


def advice_for_value(path: Path, value: object = None) -> str:
    """For a value where a table must be."""
    if path[0] in TABLES and path[1:] == ():
        return f"write [{path[0]}.NAME]"
    if path[0] == "services" and isinstance(value, str) and "/" in value and path[1] != "url":
        return f"write [services.{path[1]}], and the address below it as url"
    if path[0] in TABLES and path[1] in TABLES[path[0]].model_fields:
        return f"write [{path[0]}.NAME] above it, with a name of your choice as NAME"
    return f"write [{'.'.join(path)}]"


def _with_or_without_timeout(word: str, known: Collection[str]) -> str:
    """A service's `connect_timeout` is `connect` in [timeouts]."""
    both = (f"{word}_timeout", word.removesuffix("_timeout"))
    return next((each for each in both if each in known and each != word), "")


def _with_dot(path: Path, value: Mapping[str, object]) -> str:
    """TOML takes [services.my.app] for a table in a table."""
    if len(path) != 3 or path[0] not in TABLES or not set(value) & {*(find_below(path[:2]) or ())}:
        return ""
    return f"a name has no dots; write [{path[0]}.{path[1]}-{path[2]}]"


def _for_table(name: str, value: Mapping[str, object], table: str) -> str:
    if table and name in (*SECTIONS, *TABLES):
        return f"it is a table by itself: write [{name}]"
    close = find_close(name.lower(), [*SECTIONS, *TABLES])
    if close or table:
        return f'did you mean "{close}"?' if close else ""
    looks_like_one = {"url", "service"} & {*value} or set(value) & set(SERVICE_KEYS)
    return f"a service's table is called [services.{name}]" if looks_like_one else ""


def _places_of(word: str) -> str:
    """Where a setting of this name is, also one that was written with its table's."""
    for path in PATHS:
        joined = "_".join(path)
        if (
            len(path) == 2
            and path[0] in SECTIONS
            and word in (joined, joined.replace("s_", "_", 1))
        ):
            return f"in [{path[0]}], as {path[1]}"
    found = next((path for path in PATHS if path[-1] == word), None)
    return _place(found) if found else ""


def _place(path: Path) -> str:
    if len(path) == 1:
        return "at the top of the file, above the first [table]"
    return f"in [{'.'.join(path[:-1]).replace(EVERY, 'NAME')}]"
