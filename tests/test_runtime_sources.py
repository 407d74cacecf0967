"""Two configurations in turn: what both need is kept warm, and what is gone is given up."""

import gc
import shlex
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import trustme

from authproxy.file_watch import FileWatch
from authproxy.identity.machine import Machine
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.runtime.services import Builder
from authproxy.runtime.sources import Sources
from authproxy.wire.upstream.upstream import Upstream
from tests.support.certificates import write_authority
from tests.support.configuring import settings
from tests.support.jwt import unsigned_jwt

A, B = "https://a.example", "https://b.example"
SECRET = "secret:projects/acme-prod/secrets/key"


class Stage:
    """A running proxy's part that outlives configurations; its tokens come from a program."""

    def __init__(self, folder: Path) -> None:
        self.log, self.files = folder / "minted", FileWatch()
        self.cache = TokenCache(files=self.files)
        self.sources = Sources(self.cache, Machine())
        self.log.touch()
        code = (
            "import os;"
            f"open({str(self.log)!r}, 'a').write(os.environ['AUTHPROXY_AUDIENCE'] + ' ');"
            f"print({unsigned_jwt()!r})"
        )
        self.command = f"command:{shlex.join([sys.executable, '-c', code])}"

    def build(
        self, *urls: str, environ: Mapping[str, str] | None = None
    ) -> tuple[Builder, dict[str, Upstream]]:
        flags = {"--credentials": self.command}
        found = settings(urls=urls, flags=flags, environ=environ)
        builder = Builder(found, self.sources, self.files)
        return builder, builder.build_all()

    @property
    def minted(self) -> list[str]:
        return self.log.read_text().split()

    @property
    def known(self) -> set[str]:
        return {status.audience for status in self.cache.statuses()}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    await stage.cache.close()
    await stage.files.close()


async def test_a_token_that_both_need_is_minted_once(stage: Stage) -> None:
    _, before = stage.build(f"a={A}", f"b={B}")
    tokens = [await each.own_tokens.get() for each in before.values()]
    second, after = stage.build(f"renamed={A}")
    stage.sources.keep_only(second.needs)

    assert tokens[0] is after["renamed"].own_tokens.current()
    assert after["renamed"].own_tokens is before["a"].own_tokens
    assert [A, B] == stage.minted
    assert {A} == stage.known


async def test_what_is_given_up_is_forgotten_but_serves_whoever_still_asks(stage: Stage) -> None:
    _, before = stage.build(f"a={A}", f"b={B}")
    gone = before["b"].own_tokens
    await gone.get()
    second, _ = stage.build(f"a={A}")
    stage.sources.keep_only(second.needs)

    assert gone.current() is None
    assert B == (await gone.get()).audience
    assert [B, B] == stage.minted
    third, again = stage.build(f"b={B}")
    stage.sources.keep_only(third.needs)
    await again["b"].own_tokens.get()
    assert again["b"].own_tokens is not gone


async def test_sources_and_contexts_are_those_that_the_newest_wants(
    stage: Stage, tmp_path: Path
) -> None:
    ca_file = str(write_authority(tmp_path, trustme.CA()))
    shown = []
    for urls, environ in [
        ((f"a={A}", f"b={B}"), {"AUTHPROXY_API_KEY": SECRET}),
        ((f"a={A}",), {"AUTHPROXY_CREDENTIALS": "none"}),
        ((f"a={A}",), {"AUTHPROXY_CA_FILE": ca_file}),
    ]:
        if "AUTHPROXY_API_KEY" in environ:
            stage.command = "gcloud"
        builder, _ = stage.build(*urls, environ=environ)
        stage.sources.keep_only(builder.needs)
        shown.append(repr(stage.sources))

    assert [
        "<Sources [2 sources, 1 TLS contexts]>",
        "<Sources [1 sources, 1 TLS contexts]>",
        "<Sources [1 sources, 1 TLS contexts]>",
    ] == shown


@pytest.mark.parametrize(
    ("urls", "environ"),
    [
        ((f"a={A}",), {"AUTHPROXY_API_KEY": SECRET}),
        (("a=acme-prod/europe-west1/a",), {}),
    ],
    ids=["secrets", "addresses by name"],
)
async def test_google_s_apis_are_asked_by_the_same_client_as_before(
    stage: Stage, urls: tuple[str, ...], environ: dict[str, str]
) -> None:
    stage.command = "gcloud"
    first, _before = stage.build(*urls, environ=environ)
    second, _after = stage.build(*urls, environ=environ)
    stage.sources.keep_only(second.needs)

    assert first.needs.identities == second.needs.identities
    assert first.needs.tokens == second.needs.tokens


async def test_another_identity_is_another_source(stage: Stage) -> None:
    tokens = [
        builder.needs.tokens
        for builder, _ in (
            stage.build(f"a={A}"),
            stage.build(f"a={A}", environ={"AUTHPROXY_EGRESS_PROXY": "http://127.0.0.1:9"}),
        )
    ]

    assert not tokens[0] & tokens[1]


def replace(stage: Stage) -> None:
    stage.sources.keep_only(stage.build(f"a={A}")[0].needs)


def leave(stage: Stage) -> None:
    """As without `keep_only`: nobody has said that it is not wanted any more."""
    stage.build(f"a={A}")


@pytest.mark.parametrize(("change", "left"), [(replace, set()), (leave, {B})])
async def test_without_a_word_what_is_gone_would_be_kept_fresh(
    stage: Stage, change: Callable[[Stage], None], left: set[str]
) -> None:
    _, before = stage.build(f"b={B}")
    await before["b"].own_tokens.get()
    change(stage)
    before.clear()
    gc.collect()

    assert left == stage.known - {A}
