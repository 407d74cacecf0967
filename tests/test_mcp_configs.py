import json
import os
import shlex
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from authproxy.mcp.configs import CLIENTS, ServerEntry, find_client, find_command, make_entry

URL = "https://billing-abc.run.app/mcp"
ENTRY = ServerEntry(name="billing", command="/bin/authproxy", args=["mcp", URL, "-c", 'a "b'])
STARTED: dict[str, Any] = {"command": "/bin/authproxy", "args": ["mcp", URL, "-c", 'a "b']}
WITH_ENV = ServerEntry(name="b", command="/c", args=["mcp"], env={"NO_PROXY": "a", "X": 'b "c'})

KEYS = {
    "claude-desktop": "mcpServers",
    "cursor": "mcpServers",
    "gemini-cli": "mcpServers",
    "other": "mcpServers",
    "vscode": "servers",
    "windsurf": "mcpServers",
    "zed": "context_servers",
}


def test_every_client_says_where_it_belongs() -> None:
    assert {"claude-code", "codex", *KEYS} == set(CLIENTS)
    assert [] == [name for name, client in CLIENTS.items() if not client.where.endswith(".")]


@pytest.mark.parametrize("client", KEYS)
def test_clients_of_json_get_an_object_below_their_key(client: str) -> None:
    typed = {"type": "stdio"} if client == "vscode" else {}

    written = json.loads(find_client(client).write(ENTRY))
    assert {KEYS[client]: {"billing": typed | STARTED}} == written
    with_env = json.loads(find_client(client).write(WITH_ENV))
    assert WITH_ENV.env == with_env[KEYS[client]]["b"]["env"]


def test_codex_gets_toml() -> None:
    written = tomllib.loads(find_client("codex").write(ENTRY))
    with_env = tomllib.loads(find_client("codex").write(WITH_ENV))

    assert {"mcp_servers": {"billing": {**STARTED, "startup_timeout_sec": 30}}} == written
    assert WITH_ENV.env == with_env["mcp_servers"]["b"]["env"]


def test_claude_code_gets_a_command() -> None:
    words = shlex.split(find_client("Claude-Code").write(WITH_ENV))

    begin = ["claude", "mcp", "add", "--env", "NO_PROXY=a", "--env", 'X=b "c']
    assert [*begin, "--scope", "user", "b", "--", "/c", "mcp"] == words


@pytest.mark.parametrize(
    ("word", "said"),
    [("codx", 'no client is called "codx"; did you mean "codex"'), ("emacs", "there is claude-c")],
)
def test_another_client_is_not_known(word: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        find_client(word)


def test_flags_are_repeated_and_their_paths_lead_there_from_anywhere() -> None:
    flags = {
        "--config": Path("a.toml"),
        "--credentials": "file:key.json",
        "--api-key": "env:NAME",
        "--audience": None,
        "--ca-file": "/ca.pem",
        "--verbose": True,
        "--quiet": False,
        "--access-log": None,
    }
    entry = make_entry("billing", URL, flags, {}, argv0=sys.executable)

    here = Path.cwd()
    assert sys.executable == entry.command
    assert ["-m", "authproxy", "mcp", URL, "--config", f"{here}/a.toml"] == entry.args[:6]
    assert ["--credentials", f"file:{here}/key.json", "--api-key", "env:NAME"] == entry.args[6:10]
    assert ["--ca-file", "/ca.pem", "--verbose"] == entry.args[10:]


def test_what_leads_to_credentials_is_repeated_and_no_password(tmp_path: Path) -> None:
    gcloud = tmp_path / "gcloud"
    gcloud.touch(mode=0o755)
    environ = {
        "PATH": f"/proc/nowhere:{tmp_path}",
        "CLOUDSDK_CONFIG": "/c",
        "GOOGLE_APPLICATION_CREDENTIALS": "",
        "HTTPS_PROXY": "http://user:pass@proxy:3128",
        "AUTHPROXY_URL": "https://x",
        "SECRET": "s",
    }
    env = make_entry("b", "", {}, environ).env

    expected = {"CLOUDSDK_CONFIG": "/c", "PATH": f"{tmp_path}:/usr/local/bin:/usr/bin:/bin"}
    assert expected == env


def test_the_command_is_the_one_that_runs(tmp_path: Path) -> None:
    script = tmp_path / "authproxy"
    script.touch(mode=0o755)

    assert [str(script)] == find_command(str(script))
    assert [sys.executable, "-m", "authproxy"] == find_command(f"{tmp_path}{os.sep}__main__.py")
