import subprocess
import sys

from authproxy.identity.apart.kill import kill_session
from tests.support.program import left_of

STARTS_OTHERS = """
import subprocess, sys, time
others = [subprocess.Popen(["sleep", "600"]), subprocess.Popen(["sleep", "600"], process_group=0)]
print(*(other.pid for other in others), flush=True)
time.sleep(600)
"""


def test_a_process_is_killed_with_all_that_it_has_started() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STARTS_OTHERS], stdout=subprocess.PIPE, start_new_session=True
    )
    with process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]

        kill_session(process)

        # All of them held its stdout: the end comes when none is left.
        assert b"" == process.stdout.read()
        assert -9 == process.wait()
    assert [] == left_of(pids)


def test_what_has_ended_can_be_killed_again() -> None:
    process = subprocess.Popen(["true"], start_new_session=True)
    process.wait()

    kill_session(process)
