"""Floods of all kinds at once, for the inspector to keep: what the whole process takes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MEMORY = 16 * 1024 * 1024
ROUNDS = 100

FLOOD = f"""
import gc
from tests.support.recorded import Story
from tests.test_inspector_recording_store import LOADS

def resident():
    status = open("/proc/self/status").read()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024

def flood(story, rounds, number):
    most = resident()
    for _ in range(rounds):
        for load, count in LOADS:
            for _ in range(max(count // 100, 1)):
                number += 1
                load(story, number)
        most = max(most, resident())
        over = story.recording.store.used - story.recording.store.limit
        assert over <= 0, over
    return most

# What Python and its libraries take once, whatever is kept.
flood(Story(memory=4 * 1024 * 1024, with_content=["billing"]), 3, 0)
gc.collect()
before = resident()
story = Story(memory={MEMORY}, with_content=["billing"])
took = [flood(story, {ROUNDS}, number * 10**6) - before for number in range(1, 7)]
print(*took, story.recording.store.forgotten)
"""


@pytest.mark.timeout(200)
def test_process_takes_at_most_twice_the_bound_and_little_more_however_long_a_flood_lasts() -> None:
    # What measures coverage would take memory, and most of the time.
    environ = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    run = subprocess.run(
        [sys.executable, "-c", FLOOD],
        cwd=Path(__file__).parents[2],
        env=environ,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert "" == run.stderr
    *took, forgotten = map(int, run.stdout.split())

    assert forgotten > 10_000
    assert max(took) <= MEMORY * 2.25  # pymalloc's arenas and the heap have holes
    assert took[-1] - took[-2] <= MEMORY // 8
