"""What Linux does for us; the rest of it is tried in test_exec_child, with real commands."""

import os
import subprocess
import sys

from authproxy.exec.kernel import descendants, ended_children, reap

TREE = (
    "import os, sys, time\n"
    "if os.fork() == 0: time.sleep(60)\n"
    "sys.stdout.write('.'); sys.stdout.flush(); sys.stdin.read()\n"
)


def test_all_below_a_process_are_found_however_deep() -> None:
    with subprocess.Popen(
        [sys.executable, "-S", "-c", TREE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        below = descendants(process.pid)
        ours = descendants()
        [grandchild] = below
        os.kill(grandchild, 9)
        process.kill()

    assert {process.pid, grandchild} <= ours


def test_who_has_ended_is_seen_until_it_is_let_go() -> None:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    before = ended_children()
    reap([pid, pid])

    assert pid in before
    assert pid not in ended_children()
