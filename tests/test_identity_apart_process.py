import sys
from concurrent.futures import Future

import pytest

from authproxy.identity.apart.process import LostError, NoProcessError, Process
from tests.support.answering import answering


def started(*command: str) -> tuple[Process, "Future[Process]"]:
    ended: Future[Process] = Future()
    return Process(command, ended.set_result), ended


def test_it_answers_and_ends_when_it_is_left() -> None:
    process, ended = started(*answering()(""))

    answer = process.ask({"do": "answer"}, 60)
    process.leave()

    assert answer["pid"] > 0
    assert process is ended.result(60)
    assert process.is_ready
    with pytest.raises(LostError, match="it ended with 0"):
        process.ask({"do": "answer"}, 60)


def test_when_it_is_killed_those_who_wait_hear_of_it() -> None:
    process, ended = started(*answering()(""))
    process.ask({"do": "answer"}, 60)

    process.kill()

    assert process is ended.result(60)
    with pytest.raises(LostError, match="it was ended by SIGKILL"):
        process.ask({"do": "answer"}, 60)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (["/proc/nowhere/python"], "/proc/nowhere/python: No such file or directory"),
        ([""], "it: "),
        ([sys.executable, "-c", "exit(4)"], "it ended with exit code 4"),
        ([sys.executable, "-c", "print('Hello, who is there?')"], "it is no Python of ours"),
    ],
)
def test_what_cannot_be_asked_says_why(command: list[str], why: str) -> None:
    process, ended = started(*command)

    with pytest.raises(NoProcessError, match=why):
        process.ask({}, 60)

    assert process is ended.result(60)
    assert not process.is_ready
