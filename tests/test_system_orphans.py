"""Children that nobody waits for; tests/e2e/test_process_one.py has authproxy itself get them."""

import os
import subprocess

from authproxy.system.orphans import Orphans, children, ended_children, reap
from authproxy.tasks import Tasks
from tests.support.talking import until


def stranger() -> int:
    """A child that has ended and that nobody waits for."""
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid


def all_but(*strangers: int) -> Orphans:
    """Whatever else this process has is others' here."""
    return Orphans(lambda: ended_children() - {*strangers}, patience_s=0.01)


def test_who_has_ended_is_seen_until_it_is_let_go() -> None:
    pid = stranger()
    before = ended_children()
    reap([pid, pid])

    assert pid in before
    assert pid not in ended_children()


def test_a_stranger_is_let_go_at_the_second_look() -> None:
    pid = stranger()
    orphans = all_but(pid)
    looks = [orphans.reap(), pid in ended_children(), orphans.reap(), pid in ended_children()]

    assert [True, True, True, False] == looks
    assert "<Orphans [0 seen]>" == repr(orphans)


def test_our_own_keep_their_exit_status_and_hide_no_stranger() -> None:
    with subprocess.Popen(["/bin/sh", "-c", "exit 7"]) as own:
        os.waitid(os.P_PID, own.pid, os.WEXITED | os.WNOWAIT)
        pid = stranger()
        orphans = all_but(pid)
        for _ in range(3):
            orphans.reap()
        left = ended_children()

    assert pid not in left
    assert own.pid in left
    assert 7 == own.returncode


def test_one_that_becomes_known_as_ours_after_its_end_is_left_alone() -> None:
    pid, known = stranger(), set[int]()
    orphans = Orphans(lambda: known | (ended_children() - {pid}))
    orphans.reap()
    known.add(pid)
    orphans.reap()

    assert (pid, 0) == os.waitpid(pid, os.WNOHANG)


async def test_strangers_are_let_go_whenever_they_end() -> None:
    pids = [stranger()]
    orphans = Orphans(lambda: ended_children() - {*pids}, patience_s=0.01)
    tasks = Tasks()
    tasks.spawn(orphans.keep_reaping(), name="orphans")
    await until(lambda: pids[0] not in children(os.getpid()))
    pids.append(stranger())
    orphans.child_ended()
    await until(lambda: pids[1] not in children(os.getpid()))
    await tasks.cancel()

    assert not ended_children() & {*pids}
