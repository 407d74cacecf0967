"""What Linux does for us; the rest of it is tried in test_exec_child, with real commands."""

import os
import subprocess
import sys

from authproxy.exec.kernel import descendants

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
