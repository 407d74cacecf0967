import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from authproxy.identity.apart.helper import Helper, command_for
from authproxy.identity.apart.process import LostError, NoProcessError
from tests.support.answering import answering
from tests.support.program import is_running, wait_until_gone

PATIENCE_S = 60.0

Make = Callable[..., Helper]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Helper] = []

    def make(*manner: str, deadline_s: float = PATIENCE_S, keep_s: float = PATIENCE_S) -> Helper:
        helper = Helper("", deadline_s=deadline_s, keep_s=keep_s, command=answering(*manner))
        made.append(helper)
        return helper

    yield make
    for helper in made:
        helper.end()


def pid_of(helper: Helper) -> int:
    return int(helper.ask({"do": "answer"})["pid"])


def test_one_process_answers_all_that_is_asked_while_it_is_kept(make: Make) -> None:
    helper = make()

    with ThreadPoolExecutor(8) as pool:
        pids = set(pool.map(lambda _: pid_of(helper), range(20)))

    assert 1 == len(pids)
    assert os.getpid() not in pids


def test_it_ends_when_nothing_is_left_to_do_and_another_one_answers_then(make: Make) -> None:
    helper = make(keep_s=0.01)

    first = pid_of(helper)
    wait_until_gone(first)

    assert first != pid_of(helper)


def test_one_that_was_killed_is_replaced_and_asked_again(make: Make) -> None:
    helper = make()
    first = pid_of(helper)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(helper.ask, {"do": "hang"})
        wait_until_asked(helper, 1)
        os.kill(first, 9)
        wait_until_gone(first)
        second = pid_of(helper)
        helper.end()
        with pytest.raises(LostError, match=r"shutting down|SIGKILL"):
            waiting.result(PATIENCE_S)

    assert first != second


def wait_until_asked(helper: Helper, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while helper.asking < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)  # noqa: TID251 -- there is no event to wait for


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("die", "it was ended by SIGKILL"),
        ("exit", "it ended with 3"),
        ("half", "it ended with 0"),
        ("garbage", "it gave something that is no answer"),
        ("list", "it gave something that is no answer"),
        ("huge", "it gave something that is no answer"),
    ],
)
def test_what_goes_wrong_twice_is_said_and_the_next_one_answers(
    make: Make, what: str, why: str
) -> None:
    helper = make()
    pid = pid_of(helper)

    with pytest.raises(LostError, match=why):
        helper.ask({"do": what})

    wait_until_gone(pid)
    assert pid != pid_of(helper)


def test_one_that_hangs_is_killed_with_what_it_runs_and_harms_no_other_question(
    make: Make,
) -> None:
    helper = make(deadline_s=2.0)
    first = pid_of(helper)
    with ThreadPoolExecutor(2) as pool:
        hanging = pool.submit(helper.ask, {"do": "hang"})
        wait_until_asked(helper, 1)
        longer = pool.submit(helper.ask, {"do": "run and hang"}, more_s=2.0)
        wait_until_asked(helper, 2)
        with pytest.raises(TimeoutError):
            hanging.result(PATIENCE_S)
        # The other one is still waited for there; who asks now is answered by another.
        assert is_running(first)
        assert first != pid_of(helper)
        with pytest.raises(TimeoutError):
            longer.result(PATIENCE_S)

    wait_until_gone(first)


@pytest.mark.parametrize("manner", ["refuse", "talk"])
def test_where_it_cannot_run_that_is_said_once_and_never_tried_again(
    make: Make, manner: str, caplog: pytest.LogCaptureFixture
) -> None:
    helper = make(manner)

    for _ in range(2):
        with pytest.raises(NoProcessError):
            helper.ask({"do": "answer"})

    (line,) = caplog.messages
    assert line.startswith(
        "tokens are fetched in this process from now on, which takes more memory: no other process"
        f" can be started ({sys.executable}: it "
    )


def test_one_that_never_gets_ready_is_not_waited_for_again(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    helper = make("sleep", deadline_s=0.5)

    for _ in range(2):
        with pytest.raises(NoProcessError):
            helper.ask({"do": "answer"})

    assert "(it does not start)" in caplog.messages[0]
    assert 1 == len(caplog.messages)


@pytest.mark.parametrize("python", ["/proc/nowhere/python", "", "/"])
def test_without_a_python_there_is_none(python: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "authproxy")
    helper = Helper("x", command=lambda module: command_for(module, python))

    with pytest.raises(NoProcessError):
        helper.ask({"do": "answer"})

    assert "no other process can be started" in caplog.text


def test_at_the_end_none_is_left_and_none_is_started(make: Make) -> None:
    helper = make()
    pid = pid_of(helper)

    helper.end()

    wait_until_gone(pid)
    with pytest.raises(LostError, match="authproxy is shutting down"):
        helper.ask({"do": "answer"})


def test_this_pythons_flags_and_path_are_the_others_too() -> None:
    *flags, option, start, path = command_for("a.b")

    assert [sys.executable, "-c"] == [flags[0], option]
    assert f"from a.b import main; main({os.getpid()})" in start
    assert all(entry in path for entry in sys.path)


def test_threads_that_asked_are_not_needed_for_the_answers(make: Make) -> None:
    """On Linux a process may end with the thread that started it."""
    helper = make()
    pids: list[int] = []
    for _ in range(3):
        thread = threading.Thread(target=lambda: pids.append(pid_of(helper)))
        thread.start()
        thread.join()

    assert 1 == len(set(pids))
