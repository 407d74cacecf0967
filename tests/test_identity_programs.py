import os
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from authproxy.errors import CredentialError
from authproxy.identity.programs import Finished, Programs
from tests.support.program import left_of

SLEEPS = "import sys, time; open(sys.argv[1], 'w').close(); time.sleep(600)"


def run(programs: Programs, *argv: str, path: str = os.environ["PATH"]) -> Finished:
    return programs.run(argv, environ={"PATH": path}, timeout_s=60, name="x")


def running(programs: Programs, threads: ThreadPoolExecutor, begun: Path) -> "Future[Finished]":
    """One that sleeps, once it does."""
    os.mkfifo(begun)
    future = threads.submit(run, programs, sys.executable, "-c", SLEEPS, str(begun))
    begun.read_bytes()
    return future


def test_a_program_is_looked_up_on_the_path_that_was_given(tmp_path: Path) -> None:
    with pytest.raises(CredentialError, match="no program ls on PATH"):
        run(Programs(), "ls", path=str(tmp_path))


def test_what_a_program_says_and_its_exit_code_are_told_apart() -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"

    assert Finished(code=3, output="out\n", complaint="err") == run(
        Programs(), sys.executable, "-c", code
    )


def test_one_owner_ends_its_own_programs_and_no_others(tmp_path: Path) -> None:
    ours, others = Programs(), Programs()
    with ThreadPoolExecutor() as threads:
        killed = running(ours, threads, tmp_path / "a")
        lives = running(others, threads, tmp_path / "b")
        ours.kill_running()

        assert -9 == killed.result(30).code
        assert not lives.done()
        others.kill_running()

    assert 0 == run(ours, sys.executable, "-c", "").code


def test_after_the_end_nothing_is_started(tmp_path: Path) -> None:
    programs = Programs()
    with ThreadPoolExecutor() as threads:
        killed = running(programs, threads, tmp_path / "a")
        before = repr(programs)
        programs.end()

        assert -9 == killed.result(30).code

    with pytest.raises(CredentialError, match="x: authproxy is shutting down"):
        run(programs, sys.executable, "-c", "")
    assert ("<Programs [1 running]>", "<Programs [0 running, ended]>") == (before, repr(programs))


def test_what_a_program_left_running_goes_with_it(tmp_path: Path) -> None:
    """Also what has a process group of its own, as a shell gives to what runs in the background."""
    code = (
        "import subprocess, sys, time;"
        " child = subprocess.Popen(['sleep', '600'], process_group=0);"
        " open(sys.argv[1], 'w').write(str(child.pid)); time.sleep(600)"
    )
    programs, begun = Programs(), tmp_path / "begun"
    os.mkfifo(begun)
    with ThreadPoolExecutor() as threads:
        killed = threads.submit(run, programs, sys.executable, "-c", code, str(begun))
        child = int(begun.read_text())
        programs.kill_running()
        killed.result(30)

    assert not left_of([child])
