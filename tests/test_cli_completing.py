"""What shells complete, asked of the real shells; zsh and fish in the second test target."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.program import clean_environment

PATIENCE_S = 30
CASES = {
    "authproxy comp": {"completion"},
    "authproxy token -c a.toml ": {"billing", "reports"},
    "authproxy doctor -c a.toml billing ": {"reports"},
    "authproxy mcp -c a.toml r": {"reports"},
    "authproxy mcp --print-config cl": {"claude-code", "claude-desktop"},
    "authproxy tail --service b": {"billing"},  # by AUTHPROXY_CONFIG
    "authproxy tail --kind m": {"mcp"},
    "authproxy run --log-level de": {"debug"},
    "authproxy run --credentials me": {"metadata"},
    "authproxy token -c broken.toml ": set(),
    "authproxy token -c nowhere.toml ": set(),
}
BASH = r"""
eval "$(authproxy completion bash)"
while IFS= read -r line; do
    read -ra COMP_WORDS <<<"$line"
    [[ $line == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
    _authproxy_completion authproxy
    echo "${COMPREPLY[*]}"
done
"""
FISH = r"""
authproxy completion fish | source
while read -l line
    echo (complete -C $line | string split -f1 \t)
end
"""


SHOW = """show() { zle -I; print -r -- "<$BUFFER>"; BUFFER= }; zle -N show; bindkey '^X' show"""
"""Ctrl-X shows what was typed and completed, and takes it away."""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    program = tmp_path / "bin" / "authproxy"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m authproxy "$@"\n')
    program.chmod(0o755)
    services = "[services.billing]\nurl = 'https://b.example'\n[services.reports]\n"
    (tmp_path / "a.toml").write_text(services)
    (tmp_path / "broken.toml").write_text("[services")
    found = clean_environment({"AUTHPROXY_CONFIG": str(tmp_path / "a.toml"), "HOME": str(tmp_path)})
    return found | {"PATH": f"{program.parent}:{found['PATH']}", "TERM": "xterm"}


def ask(*argv: str, environ: dict[str, str], folder: Path) -> list[set[str]]:
    """One line of answers for each of CASES."""
    done = subprocess.run(
        argv,
        env=environ,
        cwd=folder,
        input="".join(f"{line}\n" for line in CASES),
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
        check=True,
    )
    return [set(line.split()) for line in done.stdout.splitlines()]


def test_bash_completes_commands_values_and_services(
    environ: dict[str, str], tmp_path: Path
) -> None:
    assert [*CASES.values()] == ask("bash", "-c", BASH, environ=environ, folder=tmp_path)


@pytest.mark.outside
def test_fish_completes_commands_values_and_services(
    environ: dict[str, str], tmp_path: Path
) -> None:
    found = ask("fish", "--no-config", "-c", FISH, environ=environ, folder=tmp_path)
    expected = [*CASES.values()]

    assert expected[:-2] == found[:-2]
    # Where we know nothing it shows files.
    assert not {"billing", "reports"} & (found[-1] | found[-2])


class Zsh:
    """An interactive one at a terminal, for completion is nothing that it has elsewhere."""

    def __init__(self, environ: dict[str, str], folder: Path) -> None:
        self.said = ""
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"], environ)

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def hear(self, pattern: str) -> None:
        """Wait for it, in what was said since the last time."""
        deadline = time.monotonic() + PATIENCE_S
        while not (match := re.search(pattern, self.said)):
            ready, _, _ = select.select([self._terminal], [], [], deadline - time.monotonic())
            assert ready, f"it said {self.said!r}"
            self.said += os.read(self._terminal, 65536).decode(errors="replace")
        self.said = self.said[match.end() :]

    def close(self) -> None:
        os.close(self._terminal)
        os.waitpid(self._pid, 0)


@pytest.mark.outside
def test_zsh_completes_commands_values_and_services(
    environ: dict[str, str], tmp_path: Path
) -> None:
    zsh = Zsh(environ, tmp_path)
    zsh.type(
        'PS1="> "; autoload -Uz compinit; compinit -u -D; eval "$(authproxy completion zsh)"\n'
    )
    zsh.type(f"{SHOW}; echo rea''dy\n")
    zsh.hear("ready\r")
    for line, expected in CASES.items():
        if len(expected) == 1:  # of several it shows a list
            [word] = expected
            zsh.type(f"{line}\t\x18")
            begun = line[: line.rindex(" ") + 1]
            zsh.hear(re.escape(f"<{begun}{word} >"))
    zsh.close()
