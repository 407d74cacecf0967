"""Looks for secrets in everything that a test shows, and fails the test that shows one.

Looked at: what reached stdout and stderr of this process and of the programs that inherit them,
every log record of every logger with its traceback and extra fields, all that helpers `overhear`
(what programs said, answers that authproxy made itself), each of authproxy's own errors from the
moment it is made, whether anybody shows it or not, and the traceback of a failure. Warnings are
failures here.

A secret is what looks like one, what the program itself wrapped in a `Secret` during the test, and
what somebody says is one (`keep_secret`).
"""

import contextlib
import logging
import re
import traceback
from collections.abc import Callable, Generator, Iterable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

import pytest

from authproxy.errors import AuthProxyError, ConfigError, StartError
from authproxy.exchange import Secret

SHAPES = {
    # The pretend Cloud Run shows tokens as the real one does, without their signature.
    "an identity token": ("eyJ", r"eyJ[\w-]{4,}\.eyJ[\w-]{4,}\.(?!SIGNATURE_REMOVED)[\w-]+"),
    "an access token": ("ya29.", r"ya29\.[\w-]{4,}"),
    "a refresh token": ("1//", r"(?<![\w.])1//[\w-]{8,}"),
    "a client secret": ("GOCSPX-", r"GOCSPX-[\w-]{4,}"),
    "an API key of Google's": ("AIza", r"AIza[\w-]{35}"),
    "a private key": ("PRIVATE KEY", r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a subject token of the pretend identity provider": ("outside-", r"outside-[\w-]{16,}"),
    "the tests' password": ("hunter2", "hunter2"),
}
"""Each with something in it that is quick to look for."""

TOO_SHORT = 12
"""Characters: a test's `jwt` or `t1` occurs by itself."""

_ORDINARY = frozenset(logging.makeLogRecord({}).__dict__)


def find_secret(text: str, kept: frozenset[str] = frozenset()) -> str | None:
    """What secret is in `text`, and after which words; None when there is none."""
    for kind, (sign, shape) in SHAPES.items():
        found = re.search(shape, text) if sign in text else None
        if found:
            return f"{kind} after {_before(text, found.start())}"
    for value in kept:
        if value in text:
            return f"a secret of the test's after {_before(text, text.index(value))}"
    return None


def _before(text: str, position: int) -> str:
    return repr(text[max(0, position - 60) : position])


class Watch:
    """A plugin of pytest; one for the whole run, emptied before each test."""

    def __init__(self) -> None:
        self.kept: set[str] = set()
        self.shown: dict[tuple[str, str], None] = {}
        """Where, and what; in the order in which it was shown, each once."""
        self._records: list[logging.LogRecord] = []

    def keep_secret(self, value: str) -> str:
        """From now to the end of the test nobody may show `value`."""
        if len(value) >= TOO_SHORT:
            self.kept.add(value)
        return value

    def overhear(self, where: str, text: str) -> str:
        """`text` was shown."""
        self.shown[where, text] = None
        return text

    def listen(self) -> None:
        """To all that is logged, and to what becomes a Secret or an error. Never undone."""
        make = logging.getLogRecordFactory()

        def record(*args: Any, **fields: Any) -> logging.LogRecord:
            made = make(*args, **fields)
            self._records.append(made)
            return made

        logging.setLogRecordFactory(record)
        _notice(Secret, "__init__", lambda secret, _: self.keep_secret(secret.reveal()))
        for kind in (AuthProxyError, ConfigError, StartError):
            _notice(kind, "__init__", lambda error, _: self.overhear("error", _all_of(error)))
        _notice(pytest.CaptureFixture, "readouterr", self._test_took)

    def _test_took(self, _: object, taken: tuple[str, str]) -> None:
        """pytest itself no longer shows what a test took out of `capsys`."""
        for where, text in zip(("stdout", "stderr"), taken, strict=True):
            self.overhear(where, str(text))

    # pytest's hooks

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        for collection in (self.kept, self.shown, self._records):
            collection.clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        error = call.excinfo.value if call.excinfo else None
        # The two sides of a comparison that failed are a test's business.
        if isinstance(error, Exception) and not isinstance(error, AssertionError):
            self.overhear("traceback", "".join(traceback.format_exception(error)))
        if call.when == "teardown":
            self._judge(report, on_purpose=item.get_closest_marker("prints_tokens") is not None)
        return report

    def _judge(self, report: pytest.TestReport, *, on_purpose: bool) -> None:
        shown = [*self.shown, *report.sections, *map(_told, self._records)]
        kept = frozenset(self.kept)
        for where, text in shown:
            if on_purpose and "stdout" in where:
                continue
            found = find_secret(text, kept)
            if found:
                report.outcome = "failed"
                report.longrepr = f"A secret was shown. {where}: {found}"
                return


def _notice(kind: type[Any], method: str, heard: Callable[[Any, Any], object]) -> None:
    """Hear of every call, with what came of it; nothing else changes."""
    call = getattr(kind, method)

    @wraps(call)
    def called(self: Any, *args: Any, **named: Any) -> Any:
        result = call(self, *args, **named)
        heard(self, result)
        return result

    setattr(kind, method, called)


def _told(record: logging.LogRecord) -> tuple[str, str]:
    """All that any handler could write of it."""
    extra = {name: value for name, value in record.__dict__.items() if name not in _ORDINARY}
    raised = ""
    with contextlib.suppress(AttributeError):  # tests make records up that have no real traceback
        raised = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    return f"log of {record.name}", f"{record.getMessage()} {extra} {raised}"


def _all_of(error: Exception) -> str:
    return "\n".join(map(str, (*error.args, *vars(error).values())))


WATCH = Watch()
keep_secret = WATCH.keep_secret
overhear = WATCH.overhear


def overhear_answer(answer: bytes) -> bytes:
    """An answer to a client; services may say what they like, authproxy may not."""
    head = answer.partition(b"\r\n\r\n")[0].lower()
    if b"\r\nx-authproxy-error:" in head or b"\r\nx-authproxy-answer:" in head:
        overhear("answer", answer.decode("utf-8", "replace"))
    return answer


def keep_named(arguments: Iterable[str], environ: Mapping[str, str]) -> None:
    """The variables that a configuration refers to as `env:NAME` hold secrets, or URLs with one."""
    for text in (*arguments, *environ.values()):
        for name in re.findall(r"\benv:(\w+)", text):
            value = environ.get(name, "")
            keep_secret(urlsplit(value).password or "" if "://" in value else value)
