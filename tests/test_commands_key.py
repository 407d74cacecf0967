import hashlib
import io
import tomllib
from pathlib import Path

import pytest

from authproxy.cli.main import run


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


@pytest.mark.parametrize(("name", "better"), [("CI", "ci"), ("CI key", "ci-key")])
def test_a_name_that_the_configuration_could_not_have_is_refused(
    name: str, better: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 2 == run(["key", name], environ={})

    out, err = capsys.readouterr()
    assert "" == out
    assert f'"{name}" cannot be a key\'s name; write lower-case' in err
    assert err.endswith(f": {better}\n")


def test_what_key_prints_is_taken_by_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 0 == run(["key"], environ={})
    table = capsys.readouterr().err.partition("\n\n")[2]
    file = tmp_path / "authproxy.toml"
    file.write_text(table + '[services.a]\nurl = "https://a"\n')

    assert 0 == run(["check", "-c", str(file)], environ={})
    assert "" == capsys.readouterr().err
