"""What large bodies leave behind is used again."""

import subprocess
import sys

SCRIPT = """
import resource, sys
from authproxy.memory import keep_what_was_freed

def page_faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

keep_what_was_freed()
pieces = [b"x" * 300_000 for _ in range(4)]
before = page_faults()
for number in range(1000):
    pieces[number % 4] = None
    pieces[number % 4] = b"x" * 300_000
print(page_faults() - before)
"""


def test_a_piece_of_a_body_costs_no_page_faults() -> None:
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, check=True, text=True)

    # Each piece has 73 pages.
    assert int(done.stdout) < 1000
