import hashlib
import io
import tomllib

import pytest

from authproxy.cli import run


def test_a_key_is_shown_once_and_its_digest_is_ready_to_paste(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert 0 == run(["key", "ci"], environ={})

    out, err = capsys.readouterr()
    key = out.strip()
    written = tomllib.loads(err.partition("\n\n")[2])
    assert key.startswith("apk_")
    assert 47 == len(key)
    assert key not in err
    assert {"keys": {"ci": {"sha256": hashlib.sha256(key.encode()).hexdigest()}}} == written


def test_the_digest_of_a_key_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "a" * 32
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{key}\n"))
    assert 0 == run(["key", "--sha256"], environ={})

    assert hashlib.sha256(key.encode()).hexdigest() == capsys.readouterr().out.strip()


def test_a_key_that_could_be_guessed_is_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("hunter2\n"))
    assert 1 == run(["key", "--sha256"], environ={})

    err = capsys.readouterr().err
    assert "authproxy: a key has 22 to 512 characters; this one has 7\n" in err
    assert "hunter2" not in err
