"""Names of all settings: keys in TOML, variables of the environment, flags.

All of it is derived from the models in `authproxy.settings`, so that a new field has a TOML key and
a variable at once; only what reads better under another name is written down here.
"""

from authproxy.settings import KeySettings, ListenerSettings, ServiceSettings, Settings
from authproxy.tables.frozen import Frozen

Path = tuple[str, ...]
"""Where a value goes: `("log", "format")`, `("services", "billing", "url")`."""

EVERY = "*"
"""In the place of a service's name: for every service."""

PREFIX = "AUTHPROXY_"

SECTIONS: dict[str, type[Frozen]] = {
    name: field.annotation
    for name, field in Settings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Frozen)
}

TABLES: dict[str, type[Frozen]] = {
    "services": ServiceSettings,
    "listeners": ListenerSettings,
    "keys": KeySettings,
}
"""Tables of tables: the names below them are the user's own."""

SERVICE_KEYS = tuple(ServiceSettings.model_fields)

_SPECIAL_VARIABLES = {
    ("log", "access"): PREFIX + "ACCESS_LOG",
    # AUTHPROXY_TOKEN would be taken for the place of a token itself.
    ("services", EVERY, "token"): PREFIX + "TOKEN_KIND",
}


def _paths() -> list[Path]:
    """Every setting, those of a service with EVERY in the place of its name."""
    found: list[Path] = []
    for name in Settings.model_fields:
        if name in TABLES:
            found += [(name, EVERY, key) for key in TABLES[name].model_fields]
        elif name in SECTIONS:
            found += [(name, key) for key in SECTIONS[name].model_fields]
        else:
            found.append((name,))
    return found


PATHS = _paths()


def _variable(path: Path) -> str | None:
    if path in _SPECIAL_VARIABLES:
        return _SPECIAL_VARIABLES[path]
    if path[0] not in TABLES:
        return PREFIX + "_".join(path).upper()
    if path[0] != "services":
        return None
    # AUTHPROXY_ALLOW, _DENY and _HOSTS are the listener's; an address belongs to one service.
    key = path[-1]
    one_only = key in Settings.model_fields or key in ("url", "service", "other_urls")
    return None if one_only else PREFIX + key.upper()


VARIABLES: dict[str, Path] = {name: path for path in PATHS if (name := _variable(path))}
"""Of the environment; `AUTHPROXY_TABLE_NAME_KEY`, `AUTHPROXY_URL` and `…_CONFIG` besides."""

FLAGS: dict[str, Path] = {
    "--listen": ("listen",),
    "--allow": ("allow",),
    "--deny": ("deny",),
    "--admin": ("admin",),
    "--audience": ("services", EVERY, "audience"),
    "--token-header": ("services", EVERY, "token_header"),
    "--credentials": ("services", EVERY, "credentials"),
    "--impersonate": ("services", EVERY, "impersonate"),
    "--api-key": ("services", EVERY, "api_key"),
    "--workers": ("workers",),
    "--tls-cert": ("tls_cert_file",),
    "--tls-key": ("tls_key_file",),
    "--egress-proxy": ("egress_proxy",),
    "--ca-file": ("services", EVERY, "ca_file"),
    "--tag": ("services", EVERY, "tag"),
    "--inspect": ("inspect", "record"),
    "--record-bodies": ("services", EVERY, "record_bodies"),
    "--log-file": ("log", "file"),
    "--log-format": ("log", "format"),
    "--log-level": ("log", "level"),
    "--access-log": ("log", "access"),
}


def is_list(path: Path) -> bool:
    """Whether the setting holds several values, separated by commas in the environment."""
    return isinstance(model_of(path).model_fields[path[-1]].default, tuple)


def model_of(path: Path) -> type[Frozen]:
    """The model with the setting at `path`."""
    return Settings if len(path) == 1 else (TABLES | SECTIONS)[path[0]]


def find_below(path: Path) -> tuple[str, ...] | None:
    """The keys of the table at `path`, empty when they are free; None where a value stands."""
    if path == ():
        return tuple(Settings.model_fields)
    if path[0] in TABLES:
        known = ((), tuple(TABLES[path[0]].model_fields))
        return known[len(path) - 1] if len(path) <= 2 else None
    return tuple(SECTIONS[path[0]].model_fields) if path[0] in SECTIONS and path[1:] == () else None
