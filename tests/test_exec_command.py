"""`authproxy exec`, as a process with real commands: what they find, and what is left of them."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.support.program import clean_environment, run_to_end
from tests.support.raw import OK, RawService, always, raw_service

NONE = ("--credentials", "none")


@pytest.fixture
async def service() -> AsyncIterator[RawService]:
    async with raw_service(always(OK)) as service:
        yield service


async def execute(
    service: RawService, *words: str, environ: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """`words`: flags, `--`, and the command."""
    end = words.index("--")
    words = (*NONE, *words[:end], f"a={service.url}", *words[end:])
    return await run_to_end("exec", *words, environ=environ)


ASK = "import os, urllib.request as r; print(r.urlopen(os.environ['AUTHPROXY_URL']).status)"


async def test_the_proxy_is_ready_when_the_command_starts_and_nothing_is_said(
    service: RawService,
) -> None:
    assert (0, "200\n", "") == await execute(service, "--", sys.executable, "-c", ASK)


async def test_no_proxy_of_the_environment_stands_between(service: RawService) -> None:
    nobody = {"http_proxy": "http://127.0.0.1:9", "NO_PROXY": "corp.example"}
    curl = "curl -s -o /dev/null -w '%{http_code}' {url}"
    for words in ((sys.executable, "-c", ASK), ("sh", "-c", f"{curl}; echo")):
        assert (0, "200\n", "") == await execute(service, "--", *words, environ=nobody)


async def test_a_tool_that_takes_a_proxy_finds_services_by_their_names(
    service: RawService,
) -> None:
    curl = "curl -s -o /dev/null -w '%{{url}} %{http_code} ' http://a.localhost/x $AUTHPROXY_URL"
    code, out, err = await execute(service, "--http-proxy", "--", "sh", "-c", curl)

    assert (0, "") == (code, err)
    assert "http://a.localhost/x 200 " in out
    assert 2 == out.count(" 200 ")


ENDS: Sequence[tuple[Sequence[str], int, str]] = [
    (["sh", "-c", "exit 7"], 7, ""),
    (["sh", "-c", "kill -TERM $$"], 143, ""),
    (["sh", "-c", "kill -KILL $$"], 137, ""),
    (["no-such-program"], 127, "cannot run no-such-program: there is no such program on PATH"),
    (["/proc/no/such"], 127, "cannot run /proc/no/such: there is no such program"),
    (["/etc/passwd"], 126, "cannot run /etc/passwd: Permission denied"),
    (["{folder}/script"], 126, "script: the interpreter in its first line does not exist"),
]


async def test_the_exit_code_is_the_commands_and_else_that_of_a_shell(
    service: RawService, tmp_path: Path
) -> None:
    script = tmp_path / "script"
    script.write_text("#!/proc/no/interpreter\n")
    script.chmod(0o755)
    for argv, expected, said in ENDS:
        words = [word.replace("{folder}", str(tmp_path)) for word in argv]
        code, _, err = await execute(service, "--", *words)
        assert (expected, bool(said)) == (code, bool(err)), argv
        assert said in err


async def test_what_went_wrong_is_said_once_at_the_end(service: RawService) -> None:
    ask = (
        "for i in 1 2 3; do curl -s -o /dev/null -H 'Host: elsewhere.example' $AUTHPROXY_URL; done"
    )
    code, _, err = await execute(service, "--", "sh", "-c", f"{ask}; echo over >&2; exit 3")

    assert 3 == code
    assert (
        "over\nauthproxy: while sh ran:\n"
        "  GET /: 421 host_not_allowed: Host: elsewhere.example (3 times)\n"
    ) == err


async def test_another_user_gets_nothing(service: RawService) -> None:
    ask = 'curl -s -o /dev/null -w "%{http_code} " $AUTHPROXY_URL'
    script = f"{ask}; setpriv --reuid 65534 --clear-groups {ask}"
    refused = await execute(service, "--", "sh", "-c", script)
    allowed = await execute(service, "--any-user", "--", "sh", "-c", script)

    assert "200 403 " == refused[1]
    assert "the user 65534 is not in peer_uids" in refused[2]
    assert (0, "200 200 ", "") == allowed


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_what_the_command_leaves_behind_ends_with_it(service: RawService) -> None:
    script = (
        "(trap '' TERM; sleep 600) & echo $!; setsid sleep 600 & echo $!; (sleep 600 & echo $!)"
    )
    _, out, _ = await execute(service, "--", "sh", "-c", script)

    assert 3 == len(out.split())
    assert [] == [pid for pid in map(int, out.split()) if is_there(pid)]


async def test_files_limits_and_ignored_signals_are_as_without_us(service: RawService) -> None:
    script = "ulimit -Sn 512; trap '' HUP; exec 7>&1; exec \"$@\""
    inner = "ulimit -Sn; kill -HUP $$; echo still here >&7"
    process = await asyncio.create_subprocess_exec(
        *("sh", "-c", script, "sh", sys.executable, "-m", "authproxy", "exec", *NONE),
        *(service.url, "--", "sh", "-c", inner),
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 20)

    assert (0, b"512\nstill here\n", b"") == (process.returncode, out, err)


class Running:
    """`authproxy exec` with a command that says when it is there, and by which signal it ended."""

    SCRIPT = (
        "import os, signal, sys\n"
        "def note(number, _): print(signal.Signals(number).name, flush=True)\n"
        "for n in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1): signal.signal(n, note)\n"
        "print(os.getpid(), flush=True)\n"
        "for line in sys.stdin: pass\n"
    )

    def __init__(self, service: RawService) -> None:
        self._service = service

    async def __aenter__(self) -> "Running":
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "authproxy", "exec", *NONE, self._service.url),
            *("--", sys.executable, "-S", "-u", "-c", self.SCRIPT),
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # as in CI: no terminal
        )
        self.command = int(await self.line())
        return self

    async def line(self) -> str:
        assert self.process.stdout is not None
        return (await asyncio.wait_for(self.process.stdout.readline(), 20)).decode().strip()

    async def __aexit__(self, *exc_info: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


async def test_signals_are_the_commands(service: RawService) -> None:
    async with Running(service) as running:
        names = []
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGTERM):
            running.process.send_signal(number)
            names.append(await running.line())
        os.killpg(running.process.pid, signal.SIGUSR1)
        names.append(await running.line())
        assert running.process.stdin is not None
        running.process.stdin.close()
        rest = await running.line()
        code = await running.process.wait()

    assert ["SIGTERM", "SIGINT", "SIGUSR1", "SIGTERM", "SIGUSR1"] == names
    assert ("", 0) == (rest, code)


async def test_the_command_is_killed_when_authproxy_is(service: RawService) -> None:
    async with Running(service) as running:
        running.process.kill()
        assert "" == await running.line()  # its end of the pipe is closed
