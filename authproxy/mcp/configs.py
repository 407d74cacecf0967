"""Configurations to paste into MCP clients, so that they start the bridge.

A client with windows has not the environment of a shell: neither its PATH nor what says where
credentials are. So the command has its whole path, and what of the environment leads to credentials
is repeated. No secret is ever printed.
"""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from authproxy.values import did_you_mean

_REPEATED = (
    "GOOGLE_APPLICATION_CREDENTIALS",
    "CLOUDSDK_CONFIG",
    "CLOUDSDK_ACTIVE_CONFIG_NAME",
    "HTTPS_PROXY",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
)
_USUAL_PATH = ("/usr/local/bin", "/usr/bin", "/bin", "/opt/homebrew/bin")
_PATHS = ("--config", "--ca-file")
_SOURCES_WITH_PATHS = ("file", "token-file")
_STARTUP_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEntry:
    """One server, as a client is told of it."""

    name: str
    command: str
    args: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)

    def as_object(self, **more: object) -> dict[str, object]:
        """`more` comes first."""
        env = {"env": dict(self.env)} if self.env else {}
        return {**more, "command": self.command, "args": list(self.args), **env}


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Form and place of one client's configuration."""

    where: str
    """A sentence that says where it belongs."""
    write: Callable[[ServerEntry], str]


def _json(key: str, **more: object) -> Callable[[ServerEntry], str]:
    def write(entry: ServerEntry) -> str:
        return json.dumps({key: {entry.name: entry.as_object(**more)}}, indent=2)

    return write


def _claude_code(entry: ServerEntry) -> str:
    env = [part for item in entry.env.items() for part in ("--env", "=".join(item))]
    # Its flag --env takes all that follows it, so something else has to.
    words = ["claude", "mcp", "add", *env, "--scope", "user", entry.name, "--", entry.command]
    return shlex.join([*words, *entry.args])


def _codex(entry: ServerEntry) -> str:
    def text(value: str) -> str:
        return json.dumps(value)  # a string of JSON is one of TOML

    args = ", ".join(map(text, entry.args))
    lines = [
        f"[mcp_servers.{entry.name}]",
        f"command = {text(entry.command)}",
        f"args = [{args}]",
        f"startup_timeout_sec = {_STARTUP_S}",
    ]
    if entry.env:
        pairs = ", ".join(f"{name} = {text(value)}" for name, value in entry.env.items())
        lines.append(f"env = {{ {pairs} }}")
    return "\n".join(lines)


CLIENTS: Mapping[str, Client] = {
    "claude-code": Client(where="Run this in a shell.", write=_claude_code),
    "claude-desktop": Client(
        where="Put this into ~/Library/Application Support/Claude/claude_desktop_config.json"
        " (Linux: ~/.config/Claude/claude_desktop_config.json), quit Claude and start it again.",
        write=_json("mcpServers"),
    ),
    "codex": Client(where="Put this into ~/.codex/config.toml.", write=_codex),
    "cursor": Client(
        where="Put this into ~/.cursor/mcp.json, or .cursor/mcp.json of a project.",
        write=_json("mcpServers"),
    ),
    "gemini-cli": Client(
        where="Put this into ~/.gemini/settings.json, or .gemini/settings.json of a project.",
        write=_json("mcpServers"),
    ),
    "other": Client(
        where="Most clients have a file of JSON with a key mcpServers, and take this there.",
        write=_json("mcpServers"),
    ),
    "vscode": Client(
        where="Put this into the file that the command 'MCP: Open User Configuration' opens,"
        " or into .vscode/mcp.json of a project.",
        write=_json("servers", type="stdio"),
    ),
    "windsurf": Client(
        where="Put this into ~/.codeium/windsurf/mcp_config.json, and press Refresh in Windsurf.",
        write=_json("mcpServers"),
    ),
    "zed": Client(
        where="Put this into ~/.config/zed/settings.json (in Zed: 'zed: open settings').",
        write=_json("context_servers"),
    ),
}
"""By the word for `--print-config`."""


def find_client(word: str) -> Client:
    """Raises ValueError."""
    client = CLIENTS.get(word.lower())
    if client is None:
        close = did_you_mean(word.lower(), CLIENTS)
        raise ValueError(f'no client is called "{word}"{close or "; there is " + _listed()}')
    return client


def make_entry(
    name: str,
    word: str,
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    *,
    argv0: str | None = None,
) -> ServerEntry:
    """`word`: which service, as it was given; `flags`: those given, by their spelling."""
    command, *args = find_command(sys.argv[0] if argv0 is None else argv0)
    args += ["mcp", *([word] if word else [])]
    for flag, value in flags.items():
        if value is True:
            args.append(flag)
        elif value not in (None, False, ()):
            args += [flag, _whole(flag, str(value))]
    return ServerEntry(name=name, command=command, args=args, env=_environment(environ))


def find_command(argv0: str) -> Sequence[str]:
    """What starts this program from anywhere."""
    path = Path(argv0)
    if path.name == "authproxy" and path.is_file() and os.access(path, os.X_OK):
        return [str(path.absolute())]
    found = shutil.which("authproxy")
    return [found] if found and path.name == "authproxy" else [sys.executable, "-m", "authproxy"]


def _whole(flag: str, value: str) -> str:
    """Paths from the root on: a client starts commands in a folder of its choice."""
    if flag in _PATHS:
        return str(Path(value).expanduser().absolute())
    kind, found, path = value.partition(":")
    if flag in ("--credentials", "--api-key") and found and kind in _SOURCES_WITH_PATHS:
        return f"{kind}:{Path(path).expanduser().absolute()}"
    return value


def _environment(environ: Mapping[str, str]) -> Mapping[str, str]:
    """What leads to credentials and out of the network, without passwords."""
    found = {name: environ[name] for name in _REPEATED if environ.get(name)}
    if "@" in found.get("HTTPS_PROXY", ""):
        del found["HTTPS_PROXY"]
    gcloud = shutil.which("gcloud", path=environ.get("PATH", ""))
    if gcloud is not None and str(Path(gcloud).parent) not in _USUAL_PATH[:3]:
        found["PATH"] = ":".join((str(Path(gcloud).parent), *_USUAL_PATH[:3]))
    return found


def _listed() -> str:
    return ", ".join(CLIENTS)
