import logging
from pathlib import Path

import pytest

from authproxy.config.loading import load
from authproxy.errors import Code
from authproxy.exchange import Exchange, RequestHead
from authproxy.exec.quiet_log import MOST_KEPT, KeptLines, OwnRefusals, open_output
from authproxy.observe.stream import LogStream
from authproxy.runtime.process.tracing import Tracing


def said(kept: KeptLines) -> list[str]:
    lines: list[str] = []
    kept.say("make", lines.append)
    return lines


def test_nothing_is_said_where_nothing_went_wrong() -> None:
    assert [] == said(KeptLines())


def test_the_same_is_said_once_with_its_number() -> None:
    kept = KeptLines()
    for clock in ("10:00:00", "10:00:01"):
        kept.take(f"{clock} warning: no token\n{clock} warning: other\n".encode())
    kept.take(b"10:00:09 warning: no token\n")

    assert [
        "authproxy: while make ran:",
        "  warning: no token (3 times)",
        "  warning: other (2 times)",
    ] == said(kept)


def test_of_very_much_only_the_beginning_is_said() -> None:
    kept = KeptLines()
    for number in range(MOST_KEPT + 5):
        kept.take(b"line %d\n" % number)

    lines = said(kept)
    assert 22 == len(lines)
    assert "  … and 985 more; --log-file FILE keeps all" == lines[-1]


def exchange(code: Code | None, status: int, **more: str) -> Exchange:
    head = RequestHead(b"GET", b"/a?token=secret", "1.1", [])
    made = Exchange("r", 1, None, head)
    made.code, made.status = code, status
    for name, value in more.items():
        setattr(made, name, value)
    return made


def test_what_authproxy_did_not_do_is_noted_and_what_the_service_said_is_not() -> None:
    kept = KeptLines()
    notes = OwnRefusals(LogStream(kept.take))
    for ended in (
        exchange(None, 500),
        exchange(None, 404),
        exchange(Code.TOKEN_UNAVAILABLE, 0, aborted="client"),
        exchange(Code.TOKEN_UNAVAILABLE, 503, detail="gcloud\x1b is not there"),
    ):
        notes.exchange_ended(ended)

    assert ["  GET /a: 503 token_unavailable: gcloud\\x1b is not there"] == said(kept)[1:]


def test_a_log_is_kept_unless_it_has_a_file_or_is_to_be_live(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    url = ["http://127.0.0.1:1"]
    quiet = load(urls=url, file=None, flags={}, environ={})
    filed = load(urls=url, file=None, flags={"--log-file": str(tmp_path / "log")}, environ={})
    counts = []
    for settings, live in ((quiet, False), (filed, False), (quiet, True)):
        output, observers, kept = open_output(settings, Tracing(), live=live)
        logging.getLogger("authproxy.x").warning("trouble %s", live)
        output.drain()
        counts.append((len(observers), len(said(kept))))

    assert [(1, 2), (1, 0), (1, 0)] == counts
    assert "trouble False" in (tmp_path / "log").read_text()
    assert 1 == capfd.readouterr().err.count("trouble True")
