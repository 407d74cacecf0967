"""Copies are made in programs of their own: the tests have threads, which a copy would lack."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.program import clean_environment, wait_until_gone

BEGIN = """
import json, os, signal, sys, threading, time
from pathlib import Path
from authproxy.identity.apart import forked
from authproxy.identity.apart.forked import Forked
from authproxy.identity.apart.helper import Helper
from tests.support.answering import answering

ended = sys.argv[1]
def wait_until(true):
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.001)
copy = Forked("tests.support.prepared")
"""


@pytest.fixture
def ended(tmp_path: Path) -> Path:
    """Made by a copy that ends by itself."""
    return tmp_path / "ended"


def run(program: str, ended: Path, **how: Any) -> list[Any]:
    """What `program` printed, line by line."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + program, str(ended)],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        timeout=60,
        **how,
    )
    assert 0 == done.returncode
    return [*map(json.loads, done.stdout.splitlines())]


ASK = """
copy.prepare([ended])
helper = Helper("", forked=copy)
found = helper.ask({})
print(json.dumps([os.getpid(), copy.pid, found]))
"""


def test_it_answers_first_knows_what_for_and_has_nothing_of_ours(ended: Path) -> None:
    program = f"kept = open({__file__!r})\ncopy.start()\n{ASK}"

    [[pid, copy, found]] = run(program, ended)

    assert [copy, copy, pid] == [found["pid"], found["session"], found["parent"]]
    assert [str(ended)] == found["prepared"]
    assert ["0", "1", "2"] == sorted(found["files"])
    assert "/dev/null" == found["files"]["2"]


def test_it_works_where_whoever_started_us_has_closed_the_first_numbers(ended: Path) -> None:
    """The pipes have these numbers then."""
    program = f"copy.start()\n{ASK}".replace("print(", "open(ended, 'w').write(")
    closing = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    done = subprocess.run(
        [*closing, sys.executable, "-c", BEGIN + program, str(ended)],
        env=clean_environment(),
        timeout=60,
    )

    assert 0 == done.returncode
    assert ["0", "1", "2"] == sorted(json.loads(ended.read_text())[2]["files"])


def test_another_copy_may_say_what_for_before_it_starts(ended: Path) -> None:
    program = """
if os.fork() == 0:
    copy.prepare([ended, "by another"])
    os._exit(0)
os.wait()
copy.start()
print(json.dumps(Helper("", forked=copy).ask({})["prepared"]))
"""
    assert [[str(ended), "by another"]] == run(program, ended)


def test_it_ends_when_it_is_not_asked(ended: Path) -> None:
    program = """
copy.start()
copy.prepare([ended])
helper = Helper("", forked=copy, keep_s=0.01, command=answering())
wait_until(lambda: not helper.pids)
print(json.dumps([copy.returncode, helper.ask({"do": "answer"})["pid"] != copy.pid]))
helper.end()
"""
    assert [[0, True]] == run(program, ended)
    assert ended.exists()


def test_when_it_is_killed_another_one_is_asked(ended: Path) -> None:
    program = """
copy.start()
copy.prepare([ended])
helper = Helper("", forked=copy, command=answering())
helper.ask({})
copy.kill()
wait_until(lambda: not helper.pids)
print(json.dumps([copy.returncode, helper.ask({"do": "answer"})["pid"] != copy.pid]))
helper.end()
"""
    assert [[-signal.SIGKILL, True]] == run(program, ended)


def test_one_that_ends_before_it_is_ready_is_no_reason_to_have_none(ended: Path) -> None:
    program = """
copy = Forked("tests.support.no_such_module")
copy.start()
copy.prepare([ended])
helper = Helper("", forked=copy, command=answering())
print(json.dumps(helper.ask({"do": "answer"})["pid"] != copy.pid))
helper.end()
"""
    assert [True] == run(program, ended)


def test_what_is_not_needed_leaves_no_process_and_no_file(ended: Path) -> None:
    program = """
copy.discard()
before = len(os.listdir("/proc/self/fd"))
copy = Forked("tests.support.prepared")
copy.start()
copy.discard()
gone = not Path(f"/proc/{copy.pid}").exists()
print(json.dumps([gone, len(os.listdir("/proc/self/fd")) - before]))
"""
    assert [[True, 0]] == run(program, ended)
    assert not ended.exists()


def test_one_that_is_never_started_leaves_no_file(ended: Path) -> None:
    program = """
copy.discard()
before = len(os.listdir("/proc/self/fd"))
Forked("tests.support.prepared").discard()
print(len(os.listdir("/proc/self/fd")) - before)
"""
    assert [0] == run(program, ended)


def test_where_no_thread_can_hear_it_nobody_asks_it(ended: Path) -> None:
    program = """
def refuse(thread):
    raise RuntimeError("can't start new thread")
copy.start()
threading.Thread.start = refuse
helper = Helper("", forked=copy)
print(json.dumps([[*helper.pids], copy.returncode]))
"""
    assert [[[], -signal.SIGKILL]] == run(program, ended)


def test_where_nobody_lists_what_is_open_there_is_none(ended: Path) -> None:
    program = """
forked._DESCRIPTORS = Path(ended)
try:
    copy.start()
except OSError:
    copy.discard()
    print(copy.pid)
"""
    assert [0] == run(program, ended)


@pytest.mark.parametrize("prepares", [False, True])
def test_it_is_gone_when_its_parent_was_killed(ended: Path, prepares: bool) -> None:
    told = "copy.prepare([ended]); Helper('', forked=copy).ask({})" if prepares else ""
    said = "print(copy.pid, copy.stdin.fileno(), flush=True)\nthreading.Event().wait()"
    with subprocess.Popen(
        [sys.executable, "-c", f"{BEGIN}copy.start()\n{told}\n{said}", str(ended)],
        env=clean_environment(),
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout is not None
        copy, number = map(int, parent.stdout.readline().split())
        # While that is open it hears no end of its questions, and would not end by itself.
        with Path(f"/proc/{parent.pid}/fd/{number}").open("wb"):
            parent.kill()
            wait_until_gone(copy)

    assert not ended.exists()
