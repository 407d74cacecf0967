import io
import json
import logging
import sys
import time
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.observe.logs import (
    Format,
    Handler,
    JsonFormatter,
    TextFormatter,
    choose_format,
    clock,
    configure,
    printable,
    timestamp,
)
from authproxy.observe.stream import LogStream


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def record(message: str, *args: object, level: int = logging.INFO, **extra: object) -> Any:
    made = logging.LogRecord("authproxy.test", level, "file", 1, message, args, None)
    made.created = 1_700_000_000.25
    vars(made).update(extra)
    return made


def failed(text: str) -> Any:
    made = record("it failed", level=logging.ERROR)
    try:
        raise ValueError(text)
    except ValueError:
        made.exc_info = sys.exc_info()
    return made


@pytest.mark.parametrize(
    ("setting", "stream", "expected"),
    [
        ("auto", Terminal(), "text"),
        ("auto", io.StringIO(), "json"),
        ("text", io.StringIO(), "text"),
        ("json", Terminal(), "json"),
        ("auto", None, "json"),
    ],
    ids=["auto at a terminal", "auto elsewhere", "text", "json", "closed"],
)
def test_text_is_for_terminals_unless_told_otherwise(
    setting: Literal["auto", "text", "json"], stream: io.StringIO | None, expected: Format
) -> None:
    assert expected == choose_format(setting, stream)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000.25, "2023-11-14T22:13:20.250Z"),
        (1_700_000_000.9999, "2023-11-14T22:13:20.999Z"),
    ],
)
def test_a_timestamp_is_utc_to_the_millisecond(seconds: float, expected: str) -> None:
    assert expected == timestamp(seconds)


def test_a_json_line_has_the_sentence_and_the_fields() -> None:
    line = JsonFormatter().format(record("took %d %s", 3, "tokens", service="billing", wait_s=0.5))

    expected = {
        "time": "2023-11-14T22:13:20.250Z",
        "severity": "INFO",
        "logger": "authproxy.test",
        "message": "took 3 tokens",
        "service": "billing",
        "wait_s": 0.5,
    }
    assert expected == json.loads(line)


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (logging.DEBUG, "DEBUG"),
        (logging.WARNING, "WARNING"),
        (logging.ERROR, "ERROR"),
        (logging.CRITICAL, "CRITICAL"),
    ],
)
def test_a_json_line_names_the_severity(level: int, expected: str) -> None:
    assert expected == json.loads(JsonFormatter().format(record("x", level=level)))["severity"]


def test_a_field_that_json_does_not_know_is_written_as_text() -> None:
    line = json.loads(JsonFormatter().format(record("x", cause=OSError("gone"))))

    assert "gone" == line["cause"]


def test_an_exception_becomes_a_field() -> None:
    line = json.loads(JsonFormatter().format(failed("bad thing")))

    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("ValueError: bad thing")


@given(st.text())
def test_no_text_forges_a_json_line(text: str) -> None:
    line = JsonFormatter().format(record("%s", text, detail=text))

    assert line.isascii()
    assert line.isprintable()
    assert (text, text) == (json.loads(line)["message"], json.loads(line)["detail"])


@pytest.mark.parametrize(
    ("level", "expected"),
    [(logging.INFO, "listening"), (logging.WARNING, "warning: listening")],
)
def test_a_text_line_has_the_level_when_it_matters(level: int, expected: str) -> None:
    clock, _, sentence = TextFormatter().format(record("listening", level=level)).partition(" ")

    assert 2 == clock.count(":")
    assert expected == sentence


def test_an_exception_follows_the_text_line() -> None:
    first, second, *_, last = TextFormatter().format(failed("bad \x1b[31m thing")).split("\n")

    assert first.endswith(" error: it failed")
    assert "Traceback (most recent call last):" == second
    assert "ValueError: bad \\x1b[31m thing" == last


@given(st.text())
def test_no_text_forges_a_line_or_steers_a_terminal(text: str) -> None:
    line = TextFormatter().format(record("%s", text))

    assert line.isprintable()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain – text, ü", "plain – text, ü"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\u202eb\u2028c", "a\\u202eb\\u2028c"),
        ("\udc80\x9b", "\\udc80\\x9b"),
    ],
)
def test_only_what_does_harm_is_escaped(text: str, expected: str) -> None:
    assert expected == printable(text)


def test_our_lines_go_to_the_stream_and_the_libraries_stay_quiet() -> None:
    stream = io.StringIO()
    configure("debug", "text", stream)

    logging.getLogger("authproxy.identity").debug("a detail")
    for name in ("google.auth.transport", "urllib3.connectionpool", "asyncio", "aiohttp.access"):
        logging.getLogger(name).info("a secret assertion")
    for name in ("google.auth", "urllib3.connectionpool"):
        logging.getLogger(name).error("what our own line says better")
    logging.getLogger("asyncio").warning("a warning")

    sentences = [line.partition(" ")[2] for line in stream.getvalue().splitlines()]
    assert ["debug: a detail", "warning: a warning"] == sentences


def test_lines_below_the_level_are_left_out() -> None:
    stream = io.StringIO()
    configure("warning", "json", stream)

    logging.getLogger("authproxy.runtime.app").info("left out")
    logging.getLogger("authproxy.runtime.app").warning("written")

    assert "written" == json.loads(stream.getvalue())["message"]


def test_to_configure_twice_writes_lines_once() -> None:
    stream = io.StringIO()
    configure("info", "text", stream)
    configure("info", "text", stream)

    logging.getLogger("authproxy.runtime.app").info("once")

    assert 1 == stream.getvalue().count("once")


def test_lines_go_to_a_stream_that_nobody_waits_for() -> None:
    out: list[bytes] = []

    def send(data: bytes) -> int:
        out.append(data)
        return len(data)

    configure("info", "text", LogStream(send))
    logging.getLogger("authproxy.runtime.app").info("at once")

    assert [b"at once\n"] == [line.partition(b" ")[2] for line in out]


def test_the_clock_is_the_local_time_of_day() -> None:
    expected = time.strftime("%H:%M:%S", time.localtime(1_700_000_000))

    assert expected == clock(1_700_000_000.75)


def test_lines_about_a_service_have_its_level_and_all_others_the_usual_one() -> None:
    stream = io.StringIO()
    configure("info", "text", stream, {"billing": "error", "reports": "debug"})
    ours = logging.getLogger("authproxy.wire")
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        for service in ("billing", "reports", "other"):
            ours.log(level, "%s", service, extra={"service": service})
        ours.log(level, "no service")

    lines = [line.partition(" ")[2] for line in stream.getvalue().splitlines()]
    assert lines == [
        "debug: reports",
        *("reports", "other", "no service"),
        *("warning: reports", "warning: other", "warning: no service"),
        *("error: billing", "error: reports", "error: other", "error: no service"),
    ]


def test_for_want_of_memory_there_is_no_traceback() -> None:
    """Hundreds may come in a second, and each would cost more of it."""
    try:
        raise MemoryError
    except MemoryError:
        record = logging.LogRecord("a", logging.ERROR, "", 0, "failed", None, sys.exc_info())

    assert ["error: failed", "MemoryError"] == TextFormatter().format(record)[9:].split("\n")
    assert "MemoryError" == json.loads(JsonFormatter().format(record))["exception"]


def test_a_line_for_which_there_is_no_memory_is_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Lacking(io.StringIO):
        def write(self, text: str) -> int:
            raise MemoryError

    Handler(Lacking()).emit(logging.LogRecord("a", logging.ERROR, "", 0, "failed", None, None))

    assert "" == capsys.readouterr().err
