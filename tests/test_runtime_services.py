"""What the settings say about services, as the data path knows it."""

import os
from pathlib import Path

import pytest

from authproxy.errors import StartError
from authproxy.file_watch import FileWatch
from authproxy.identity.machine import Machine
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.identity.token_cache.service_tokens import Tokens
from authproxy.identity.token_cache.supply import Unresolved, WithSecrets
from authproxy.runtime.services import Builder, combine_secrets, local_secrets
from authproxy.runtime.sources import Sources
from authproxy.settings import Settings
from authproxy.wire.upstream.upstream import Upstream
from tests.support.configuring import URL, settings

CONFIG = """
[services.one]
url = "https://one.example"
[services.two]
url = "https://two.example"
other_urls = ["https://two.example.com"]
credentials = "token-env:T"
[services.three]
url = "https://three.example"
api_key = "secret:projects/acme-prod/secrets/key"
[services.four]
service = "acme-prod/europe-west1/four"
"""


@pytest.fixture
def found(tmp_path: Path) -> Settings:
    file = tmp_path / "authproxy.toml"
    file.write_text(CONFIG)
    return settings(file=file, environ={"T": "x"})


def build(found: Settings, files: FileWatch | None = None, **environ: str) -> dict[str, Upstream]:
    sources = Sources(TokenCache(), Machine(environ))
    return Builder(found, sources, files or FileWatch()).build_all()


async def test_each_service_has_what_its_requests_wait_for(found: Settings) -> None:
    built = build(found)

    assert [Tokens, Tokens, WithSecrets, Unresolved] == [
        type(each.own_tokens) for each in built.values()
    ]
    assert ["two.example.com"] == [alias.host for alias in built["two"].other_urls]
    assert [True, True, True, False] == [each.found is None for each in built.values()]
    assert "https://four.europe-west1.invalid" == str(built["four"].pool.origin)


async def test_services_with_one_identity_share_its_source(found: Settings) -> None:
    built = build(found)
    one, two = built["one"].own_tokens, built["two"].own_tokens
    assert isinstance(one, Tokens)
    assert isinstance(two, Tokens)

    assert one.source is not two.source
    same = build(settings(urls=[URL, "https://other.example"]))
    assert 1 == len(
        {
            id(each.own_tokens.source)
            for each in same.values()
            if isinstance(each.own_tokens, Tokens)
        }
    )


async def test_a_key_in_a_file_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("first-key")
    (tmp_path / "key").chmod(0o600)
    files = FileWatch()
    config = settings(urls=[URL], flags={"--api-key": f"file:{tmp_path}/key"})
    [upstream] = build(config, files).values()
    before = upstream.rules
    (tmp_path / "key").write_text("second-key")
    for _ in range(2):
        await files.look()

    assert b"X-Api-Key: first-key\r\n" == before.extra
    assert b"X-Api-Key: second-key\r\n" == upstream.rules.extra
    assert "second-key" not in repr(upstream) + repr(upstream.rules)


async def test_a_key_that_is_missing_at_the_start_is_an_error() -> None:
    config = settings(urls=[URL], flags={"--api-key": "env:KEY"}, environ={"KEY": "here"})

    with pytest.raises(StartError, match=r"^the environment variable KEY is not set$"):
        build(config)


def test_a_services_secrets_show_their_places_only(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hunter2-hunter2")
    (tmp_path / "key").chmod(0o600)
    environ = {"KEY": "hunter2-hunter3"}
    config = settings(
        urls=[URL],
        flags={"--api-key": f"file:{tmp_path}/key"},
        environ=environ | {"AUTHPROXY_SECRET_HEADERS": "X-Other: env:KEY"},
    )
    parts = local_secrets(config.services["billing"], environ)

    assert [(tmp_path / "key",), ()] == [part.files for part in parts]
    found = combine_secrets([part.read() for part in parts])
    assert f"file:{tmp_path}/key, env:KEY" == repr(found)
    (tmp_path / "key").unlink()
    os.mkfifo(tmp_path / "key")
    assert (tmp_path / "key",) == parts[0].files, "which files there are is not asked again"
