"""First and last things of a program, in a process of its own; tests/e2e/test_interrupted.py has
the commands themselves."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest

from authproxy.system import entry
from tests.support.program import clean_environment

PROGRAM = """
import os, signal, sys, time
from authproxy.system import entry
def say(text):
    with open(os.environ["SAID"], "a") as file:
        file.write(text)
def command(argv):
    {body}
    return {code}
sys.exit(entry.run(command, sys.argv[1:]))
"""
NO_BODY = "pass"


def program(body: str, code: int | str = 0) -> list[str]:
    return [sys.executable, "-c", PROGRAM.format(body=body, code=code)]


def run(body: str, code: int | str = 0, *, how: str = 'exec "$@"') -> tuple[int, str, str]:
    """Exit code, what it said, and stderr. `how` the shell starts it."""
    with NamedTemporaryFile() as said:
        ended = subprocess.run(
            ["sh", "-c", how, "sh", *program(body, code)],
            env={**clean_environment(), "SAID": said.name},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=False,
        )
        return ended.returncode, said.read().decode(), ended.stderr.decode()


def test_ctrl_c_ends_it_at_once_and_without_a_word() -> None:
    body = "os.kill(os.getpid(), signal.SIGINT); say('still there')"

    assert (-signal.SIGINT, "", "") == run(body)


def test_ctrl_c_that_is_ignored_stays_ignored() -> None:
    body = "os.kill(os.getpid(), signal.SIGINT); say('still there')"

    assert (7, "still there", "") == run(body, 7, how='trap "" INT; exec "$@"')


RAISING = """
    with entry.raising():
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        except KeyboardInterrupt:
            say("tidied")
    os.kill(os.getpid(), signal.SIGINT)
    say("still there")
"""


def test_where_something_is_to_be_tidied_up_it_is_and_only_there() -> None:
    assert (-signal.SIGINT, "tidied", "") == run(RAISING)


def test_in_a_thread_nothing_is_changed() -> None:
    before, found = signal.getsignal(signal.SIGINT), list[object]()

    def enter() -> None:
        with entry.raising():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()

    assert [before] == found


def test_a_handler_of_the_programs_own_is_left_alone() -> None:
    body = """
    signal.signal(signal.SIGINT, lambda *_: say("own"))
    entry.leave_signals_to_the_system()
    with entry.raising():
        os.kill(os.getpid(), signal.SIGINT)
"""

    assert (0, "own", "") == run(body)


@pytest.mark.outside
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_process_one_ends_too(name: str, code: int) -> None:
    namespace = "exec unshare --map-root-user --pid --fork --kill-child"
    body = f"os.kill(1, signal.{name}); say('still there')"

    assert (code, "", "") == run(body, how=f'{namespace} "$@"')


CLOSED: Mapping[str, str] = {
    "stdin": "<&-",
    "stdout": ">&-",
    "stderr": "2>&-",
    "all": "<&- >&- 2>&-",
}


@pytest.mark.parametrize("name", CLOSED)
def test_a_closed_descriptor_is_nobody_elses(name: str) -> None:
    body = """
    import socket
    print("to stdout")
    say(f"{min(3, socket.socket().fileno())} {sys.stdin.read()!r}")
"""

    assert (0, "3 ''", "") == run(body, how=f'exec "$@" {CLOSED[name]}')


@pytest.mark.parametrize("size", [10, 1_000_000], ids=["at the end", "on the way"])
def test_who_reads_no_more_is_told_by_the_exit_code_alone(size: int) -> None:
    source, target = os.pipe()
    os.close(source)
    command = program(f"print('x' * {size})")
    ended = subprocess.run(command, stdout=target, stderr=subprocess.PIPE, check=False)
    os.close(target)

    assert (1, b"") == (ended.returncode, ended.stderr)


@pytest.mark.parametrize("size", [10, 1_000_000], ids=["at the end", "on the way"])
def test_a_full_disk_behind_stdout_is_said(size: int) -> None:
    code, _, errors = run(f"print('x' * {size})", how='exec "$@" >/dev/full')

    assert 1 == code
    assert "authproxy: cannot write what it has to say: No space left on device\n" in errors
    assert "Traceback" not in errors
    assert "ignored" not in errors


def test_any_other_error_is_a_defect_and_shown_as_one(tmp_path: Path) -> None:
    code, _, errors = run(f"open({str(tmp_path / 'no')!r})")

    assert 1 == code
    assert "FileNotFoundError" in errors


def test_the_exit_code_is_the_commands() -> None:
    assert (42, "", "") == run(NO_BODY, 42)
