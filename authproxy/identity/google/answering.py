"""Process apart in which google-auth is imported; `authproxy.identity.apart` starts and asks it.

It reads questions from its stdin and writes answers to what was its stdout, each question in a
thread. Nothing else has these two: what google-auth or a program prints goes nowhere. It ends when
nobody can ask any more.
"""

import base64
import contextlib
import gc
import importlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO

from authproxy.errors import CredentialError
from authproxy.identity.apart.pipe_frames import BrokenFrameError, Message, framed, read_frame
from authproxy.identity.apart.process import READY
from authproxy.identity.clock_skew import Skew
from authproxy.identity.google.apart import (
    get_here,
    read_egress,
    read_order,
    written_error,
    written_token,
)
from authproxy.identity.google.credentials import carry_out
from authproxy.identity.google.transport import quiet_google_loggers
from authproxy.identity.redaction import unforeseen
from authproxy.system.parent import end_with
from authproxy.threads import begin

MODULES = {
    "file": "google.oauth2.service_account",
    "metadata": "google.auth.compute_engine",
}
"""By the credentials' kind in the configuration; of a file the most frequent."""


class NotingSkew(Skew):
    """Difference of the clocks as the parent knows it, and what it is to learn."""

    def __init__(self, offset_s: float) -> None:
        super().__init__()
        self.offset_s = offset_s
        self.noted: list[tuple[str, float]] = []

    def heard(self, date: str | None, *, sent_at: float) -> None:
        if date is not None:
            self.noted.append((date[:100], sent_at))
        super().heard(date, sent_at=sent_at)


def main(parent: int, credentials: Sequence[str] = ()) -> None:
    """Answer until the end of stdin, then end at once. `credentials`: that are known of already."""
    end_with(parent)
    questions, answers = _take_descriptors()
    say = _writer(answers)
    say(READY)
    if credentials:
        _prepare(credentials)
    with contextlib.suppress(BrokenFrameError, OSError):
        while (question := read_frame(questions)) is not None:
            begin(partial(_answer, question, say), name="answer")
    os._exit(0)


def _prepare(credentials: Sequence[str]) -> None:
    """Import what most of these need, before somebody asks. What fails then fails anyway."""
    gc.disable()  # nothing of what modules make is garbage
    with contextlib.suppress(Exception):
        quiet_google_loggers()
        for name in ("authproxy.identity.google.session", "google.auth.transport.requests"):
            importlib.import_module(name)
        for kind in credentials:
            if kind in MODULES:
                importlib.import_module(MODULES[kind])
    gc.enable()


def answer_of(question: Message) -> Message:
    """What was found or an error, and what Google's answers say of the time."""
    skew = NotingSkew(float(question["offset_s"]))
    outcome: Message
    try:
        outcome = {"found": _found(question, skew)}
    except CredentialError as error:
        outcome = {"error": written_error(error)}
    except Exception as error:  # noqa: BLE001 -- whoever asked is to hear of it
        outcome = {"error": written_error(unforeseen("authproxy", error))}
    return {**outcome, "heard": skew.noted, "number": question["number"]}


def _found(question: Message, skew: Skew) -> Message:
    if "mint" in question:
        return {"token": written_token(carry_out(read_order(question["mint"]), skew))}
    asked: Mapping[str, Any] = question["get"]
    answer = get_here(
        asked["url"],
        asked["fields"],
        api=asked["api"],
        skew=skew,
        egress=read_egress(asked["egress"]),
    )
    return {"status": answer.status, "data": base64.b64encode(answer.data).decode()}


def _answer(question: Message, say: Callable[[Message], None]) -> None:
    answer = answer_of(question)
    try:
        say(answer)
    except BrokenFrameError:
        error = CredentialError(
            "Google's answer is too long",
            hint="Is there a proxy or a sign-in page between here and Google?",
        )
        say({"error": written_error(error), "heard": [], "number": question["number"]})


def _writer(file: BinaryIO) -> Callable[[Message], None]:
    lock = threading.Lock()

    def say(message: Message) -> None:
        data = framed(message)
        with lock, contextlib.suppress(OSError):
            file.write(data)
            file.flush()

    return say


def _take_descriptors() -> tuple[BinaryIO, BinaryIO]:
    """Stdin and stdout; neither we nor a program that we run finds anything in their places."""
    taken = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(nowhere, number)
    os.close(nowhere)
    return taken
