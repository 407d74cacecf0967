"""That the watch over what tests show can fail them: a run of its own, of tests that leak."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.secrecy import WATCH, find_secret, keep_named, overhear_answer

ROOT = Path(__file__).parent.parent
TOKEN = "eyJhbGciOiJub25lIn0" + ".eyJhdWQiOiJ0ZXN0In0" + ".c2lnbmF0dXJl"

CONFTEST = """\
from tests.support.secrecy import WATCH

def pytest_configure(config):
    config.pluginmanager.register(WATCH)
    WATCH.listen()
"""
SETTINGS = """\
[pytest]
addopts = -rEA -p no:cacheprovider
asyncio_default_fixture_loop_scope = function
filterwarnings = error
markers = prints_tokens: as in pyproject.toml
"""

HEAD = f"""\
import logging, subprocess, sys, warnings
import pytest
from authproxy.errors import CredentialError
from authproxy.exchange import Secret
from tests.support.secrecy import keep_secret, overhear

TOKEN = "{TOKEN}"

"""

LEAKS = {
    "stdout": "print(TOKEN)",
    "stderr": "print(TOKEN, file=sys.stderr)",
    "program": "subprocess.run([sys.executable, '-c', f'print({TOKEN!r})'])",
    "log": "logging.getLogger('a').warning('got %s', TOKEN)",
    "unheard": "log = logging.getLogger('b'); log.propagate = False; log.warning(TOKEN)",
    "extra": "logging.getLogger('a').warning('got it', extra={'answer': TOKEN})",
    "raised": "try:\n        int(TOKEN)\n    except ValueError:\n"
    "        logging.getLogger('a').warning('no', exc_info=True)",
    "cleared": "logging.getLogger('a').warning(TOKEN); caplog.clear()",
    "taken": "print(TOKEN); capsys.readouterr()",
    "warned": "warnings.warn(TOKEN)",
    "failed": "raise RuntimeError(TOKEN)",
    "swallowed": "CredentialError('no', detail=f'Google said {TOKEN}')",
    "wrapped": "print(Secret('no special shape').reveal())",
    "kept": "print(keep_secret('no special shape'))",
    "overheard": "overhear('answer', TOKEN)",
    "on the wrong side": "print(TOKEN, file=sys.stderr)",
}
INNOCENT = {
    "compared": "assert TOKEN",
    "hidden": "print(Secret(TOKEN), repr(Secret(TOKEN)))",
    "redacted": "print(TOKEN.rpartition('.')[0] + '.SIGNATURE_REMOVED_BY_GOOGLE')",
    "on purpose": "print(TOKEN)",
}
MARKED = {"on purpose", "on the wrong side"}


def written(bodies: dict[str, str]) -> str:
    tests = []
    for name, body in bodies.items():
        mark = "@pytest.mark.prints_tokens\n" if name in MARKED else ""
        name = name.replace(" ", "_")
        tests.append(f"{mark}def test_{name}(caplog, capsys):\n    {body}\n")
    return "\n".join(tests)


def test_whatever_way_a_secret_gets_out_its_test_fails(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_leaks.py").write_text(HEAD + written(LEAKS) + "\n" + written(INNOCENT))
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    ended = [line.split("::") for line in done.stdout.splitlines() if line.startswith("ERROR ")]
    found = {name.partition(" ")[0].removeprefix("test_").replace("_", " ") for _, name in ended}

    assert (set(LEAKS), 1) == (found, done.returncode)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"got {TOKEN}!", "an identity token after 'got '"),
        ("ya29.a0-x_y", "an access token after ''"),
        ("refresh_token=1//0abc-d_efg", "a refresh token after 'refresh_token='"),
        ("GOCSPX-abc_d", "a client secret after ''"),
        ("AIza" + "x" * 35, "an API key of Google's after ''"),
        ("-----BEGIN RSA PRIVATE KEY-----", "a private key after ''"),
        ("-----BEGIN CERTIFICATE-----", None),
        ("outside-" + "x" * 20, "a subject token of the pretend identity provider after ''"),
        ("http://me:hunter2@proxy", "the tests' password after 'http://me:'"),
        ("and the morning star", "a secret of the test's after 'and the '"),
        ("https://a.run.app/a1//b", None),
        ("eyJhbGciOiJub25lIn0 is half of nothing", None),
    ],
)
def test_a_secret_is_known_by_its_shape_or_by_name(text: str, expected: str | None) -> None:
    assert expected == find_secret(text, frozenset(["morning star"]))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 503 X\r\nX-Authproxy-Error: a\r\n\r\nour words", ["our words"]),
        (b"HTTP/1.1 503 X\r\nX-Other: a\r\n\r\nX-Authproxy-Error: theirs", []),
    ],
    ids=["ours", "the service's"],
)
def test_answers_that_are_authproxys_own_are_overheard(answer: bytes, expected: list[str]) -> None:
    assert answer == overhear_answer(answer)
    assert expected == [text.rpartition("\r\n")[2] for _, text in WATCH.shown]


def test_what_a_configuration_takes_from_a_variable_is_a_secret() -> None:
    values = {"WAY": "http://me:long-password@proxy", "KEY": "the morning star", "OTHER": "a" * 20}
    keep_named(["--api-key", "env:KEY"], {**values, "AUTHPROXY_EGRESS_PROXY": "env:WAY"})

    assert {"the morning star", "long-password"} == WATCH.kept
