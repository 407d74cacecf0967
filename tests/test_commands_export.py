from pathlib import Path

import pytest

from authproxy.cli.shell import ENGINES
from authproxy.commands import export
from tests.support.exporting import TOP, written


@pytest.mark.parametrize("engine", ENGINES)
def test_the_file_says_what_it_was_made_by_and_whom_it_asks(engine: str, tmp_path: Path) -> None:
    text = written(tmp_path, export.named(engine))

    port = 9192 if engine == "envoy" else 9191
    assert text.startswith(f"# Made by authproxy export {engine} (")
    assert f"the authproxy at 127.0.0.1:{port}" in text


@pytest.mark.parametrize("engine", ENGINES)
def test_no_secret_is_in_the_file(engine: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret-of-the-service-000000000")
    (tmp_path / "key").chmod(0o600)
    rest = (
        '[authorizer]\nlisten = "127.0.0.1:9191"\ngrpc = "127.0.0.1:9192"\n'
        '[services.a]\nurl = "https://a.example"\napi_key = "file:key"\n'
        f'[keys.k]\nsha256 = "{"ab" * 32}"\n'
    )

    text = written(tmp_path, export.named(engine), TOP + rest)

    assert "secret" not in text
    assert "abab" not in text
