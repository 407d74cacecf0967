"""A process that ends with its parent. More in tests/test_identity_google_apart.py."""

import os
import subprocess
import sys


def test_a_process_whose_parent_is_another_already_ends() -> None:
    code = "import sys; from authproxy.system.parent import end_with; end_with(int(sys.argv[1]))"
    ended = [
        subprocess.run([sys.executable, "-c", code, str(parent)]).returncode
        for parent in (os.getpid(), os.getpid() + 1)
    ]

    assert [0, 1] == ended
