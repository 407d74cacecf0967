"""A process that answers as it is asked to: python -m tests.support.answering [MANNER]."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from email.utils import formatdate
from typing import Any

from authproxy.identity.apart.pipe_frames import MAX_FRAME, framed, read_frame
from authproxy.identity.apart.process import READY


def answering(*manner: str) -> Callable[[str], Sequence[str]]:
    """A command for `Helper`."""
    return lambda _module: [sys.executable, "-m", "tests.support.answering", *manner]


def say(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def run_and_hang(question: dict[str, Any]) -> None:
    with subprocess.Popen(["sleep", "600"]):
        threading.Event().wait()


def huge(_: dict[str, Any]) -> None:
    say((MAX_FRAME + 1).to_bytes(4, "big"))
    say(b"x" * (MAX_FRAME + 1))


def half(_: dict[str, Any]) -> None:
    say(b"\0\0\0\x20{")
    os._exit(0)


def ahead(question: dict[str, Any]) -> None:
    """As if an answer of Google's were of 100 seconds later than it is."""
    now = time.time()
    found = {"status": 200, "data": ""}
    heard = [[formatdate(now + 100, usegmt=True), now]]
    say(framed({"number": question["number"], "found": found, "heard": heard}))


MANNERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "answer": lambda _: None,
    "hang": lambda _: threading.Event().wait(),
    "run and hang": run_and_hang,
    "garbage": lambda _: say(b"\0\0\0\x05hello"),
    "list": lambda _: say(b"\0\0\0\x02[]"),
    "huge": huge,
    "half": half,
    "ahead": ahead,
    "exit": lambda _: os._exit(3),
    "die": lambda _: os.kill(os.getpid(), signal.SIGKILL),
}


def answer(question: dict[str, Any], always: str) -> None:
    MANNERS[always or question["do"]](question)
    say(framed({"number": question["number"], "pid": os.getpid()}))


def main(manner: str = "", always: str = "") -> None:
    if manner == "refuse":
        sys.exit(7)
    if manner == "talk":
        say(b"Welcome to another program\n")
        threading.Event().wait()
    if manner == "sleep":
        threading.Event().wait()
    say(framed(READY))
    while (question := read_frame(sys.stdin.buffer)) is not None:
        threading.Thread(target=answer, args=[question, always], daemon=True).start()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
