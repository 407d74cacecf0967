"""Table of who sees to each setting where another proxy moves the bytes.

Every setting has a row, and a test fails for one that has none: what an engine cannot do is refused
by its name, and never left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

EngineName = Literal["nginx", "caddy", "envoy"]
ENGINES: tuple[EngineName, ...] = ("nginx", "caddy", "envoy")


class By(Enum):
    """Answer to who sees to a setting."""

    ENGINE = "the exported file"
    AUTHORIZER = "authproxy, asked about each request"
    BOTH = "the exported file, and authproxy asked about each request"
    PROCESS = "the authproxy that runs beside the engine, for itself"
    NOBODY = "nobody: it is refused"


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """Treatment of one setting."""

    by: Mapping[EngineName, By]
    advice: str = ""
    """Where it is refused: what to do."""
    idle: tuple[object, ...] = ()
    """Values that ask for nothing, and so are never refused."""


def _all(by: By) -> CoverageRow:
    return CoverageRow(dict.fromkeys(ENGINES, by))


def _only(*able: EngineName, advice: str, idle: tuple[object, ...] = ()) -> CoverageRow:
    by = {name: By.ENGINE if name in able else By.NOBODY for name in ENGINES}
    return CoverageRow(by, advice, idle)


def _refused(advice: str, *idle: object) -> CoverageRow:
    return _only(advice=advice, idle=idle)


ENGINE, AUTHORIZER, BOTH, PROCESS = map(_all, (By.ENGINE, By.AUTHORIZER, By.BOTH, By.PROCESS))
_IN_THE_ENGINE = "leave it out here, and set the engine's own limit in the file that was exported"
_PREFLIGHTS = (
    "leave it out: preflights of other sites' pages cannot be answered by an authorizer, so such"
    " pages need authproxy itself"
)
_BY_NAME = "write the service's `url`, which authproxy list prints: an engine cannot look it up"

COVERAGE: Mapping[str, CoverageRow] = {
    "listen": ENGINE,
    "hosts": BOTH,
    "allow": BOTH,
    "allow_file": AUTHORIZER,
    "deny": BOTH,
    "deny_file": AUTHORIZER,
    "allow_origins": _refused(_PREFLIGHTS, ()),
    "trusted_proxies": BOTH,
    "health_path": _refused("leave it out, and let the engine answer its own health checks"),
    "admin": PROCESS,
    "admin_allow": PROCESS,
    "admin_key": PROCESS,
    "admin_quit": PROCESS,
    "reload": PROCESS,
    "workers": PROCESS,
    "tls_cert_file": ENGINE,
    "tls_key_file": ENGINE,
    "egress_proxy": PROCESS,  # for Google; `checks` refuses it on the way to a service
    "key_header": BOTH,
    "keys.*.sha256": AUTHORIZER,
    "keys.*.file": AUTHORIZER,
    "keys.*.services": AUTHORIZER,
    "keys.*.impersonate": AUTHORIZER,
    "keys.*.methods": AUTHORIZER,
    "keys.*.paths": AUTHORIZER,
    **dict.fromkeys(
        (
            *("listeners.*.listen", "listeners.*.service", "listeners.*.allow"),
            *("listeners.*.allow_file", "listeners.*.deny", "listeners.*.deny_file"),
            *("listeners.*.proxy_protocol", "listeners.*.proxy_local", "listeners.*.peer_uids"),
            "listeners.*.socket_mode",
        ),
        _refused(
            "write the address into `listen`: the authorizer has one set of rules, those at the top"
            " of the file"
        ),
    ),
    "services.*.url": ENGINE,
    "services.*.service": _refused(_BY_NAME),
    "services.*.tag": _refused(_BY_NAME),
    "services.*.other_urls": _refused(
        "leave it out: engines pass redirects and cookies on as they are", ()
    ),
    "services.*.hosts": BOTH,
    "services.*.audience": AUTHORIZER,
    "services.*.token_header": BOTH,
    "services.*.token": AUTHORIZER,
    "services.*.scopes": AUTHORIZER,
    "services.*.credentials": AUTHORIZER,
    "services.*.impersonate": AUTHORIZER,
    "services.*.delegates": AUTHORIZER,
    "services.*.api_key": AUTHORIZER,
    "services.*.api_key_header": BOTH,
    "services.*.secret_headers": BOTH,
    "services.*.add_headers": BOTH,
    "services.*.remove_headers": ENGINE,
    "services.*.allow": BOTH,
    "services.*.allow_file": AUTHORIZER,
    "services.*.deny": BOTH,
    "services.*.deny_file": AUTHORIZER,
    "services.*.methods": AUTHORIZER,
    "services.*.deny_methods": AUTHORIZER,
    "services.*.paths": AUTHORIZER,
    "services.*.deny_paths": AUTHORIZER,
    "services.*.allow_origins": _refused(_PREFLIGHTS, ()),
    "services.*.path": BOTH,
    "services.*.strip_path": BOTH,
    "services.*.forwarded_host": AUTHORIZER,
    "services.*.mcp": _refused(
        "write mcp = false, or leave it out: through an engine MCP clients are refused as others"
        " are",
        False,
    ),
    "services.*.ca_file": ENGINE,
    "services.*.client_cert_file": ENGINE,
    "services.*.client_key_file": ENGINE,
    "services.*.tls_min_version": _only(
        "nginx",
        "envoy",
        advice="leave it out: a Caddyfile cannot say it, and TLS 1.2 is the oldest that it speaks",
        idle=("1.2",),
    ),
    "services.*.egress_proxy": _refused(
        "leave it out: the engine connects to the service itself", "none"
    ),
    "services.*.record_bodies": _refused("leave it out: bodies do not pass authproxy", False),
    "services.*.connect_timeout": ENGINE,
    "services.*.first_byte_timeout": _only("caddy", advice=_IN_THE_ENGINE),
    "services.*.stream_idle_timeout": ENGINE,
    "services.*.total_timeout": _only("envoy", advice=_IN_THE_ENGINE, idle=(0,)),
    "services.*.log": AUTHORIZER,
    "log.format": PROCESS,
    "log.level": PROCESS,
    "log.access": PROCESS,
    "log.sample": PROCESS,
    "log.slow": PROCESS,
    "log.user_agent": PROCESS,
    "log.file": PROCESS,
    "log.trace_project": PROCESS,
    "traces.export": PROCESS,
    "inspect.record": PROCESS,
    "inspect.memory": PROCESS,
    "inspect.body_bytes": PROCESS,
    "inspect.secret_names": PROCESS,
    "authorizer.listen": ENGINE,
    "authorizer.grpc": ENGINE,
    "limits.connections_per_service": _only("caddy", "envoy", advice=_IN_THE_ENGINE),
    "limits.head_bytes": _refused(_IN_THE_ENGINE),
    "limits.target_bytes": _refused(_IN_THE_ENGINE),
    "limits.headers": _refused(_IN_THE_ENGINE),
    "limits.body_bytes": _only("nginx", "caddy", advice=_IN_THE_ENGINE, idle=(0,)),
    "limits.connections": _refused(_IN_THE_ENGINE, 0),
    "limits.connections_per_client": _refused(_IN_THE_ENGINE, 0),
    "limits.requests_per_second": AUTHORIZER,
    "limits.burst": AUTHORIZER,
    "timeouts.connect": ENGINE,
    "timeouts.head": ENGINE,
    "timeouts.first_byte": _only("caddy", advice=_IN_THE_ENGINE),
    "timeouts.stream_idle": ENGINE,
    "timeouts.total": _only("envoy", advice=_IN_THE_ENGINE, idle=(0,)),
    "timeouts.scale_up": _refused("leave it out: engines do not send such requests again", 0),
    "timeouts.keep_alive": ENGINE,
    "timeouts.service_keep_alive": ENGINE,
    "timeouts.token": BOTH,
    "timeouts.drain_delay": PROCESS,
    "timeouts.drain": PROCESS,
}
"""By the setting's key; `*` stands for a name of the user's own."""


def table() -> str:
    """Of docs/export.md: what is refused somewhere, and where."""
    lines = ["| refused | for | in place of it |", "|---|---|---|"]
    rows: dict[tuple[str, str], list[str]] = {}
    for key, row in COVERAGE.items():
        refusing = [name for name in ENGINES if row.by[name] is By.NOBODY]
        if refusing:
            who = "all" if len(refusing) == len(ENGINES) else ", ".join(refusing)
            rows.setdefault((who, row.advice), []).append(f"`{key.replace('*', 'NAME')}`")
    for (who, advice), keys in rows.items():
        lines.append(f"| {', '.join(keys)} | {who} | {advice} |")
    return "\n".join(lines)
