"""A parent and a worker in one process, with real caches on both sides and a clock of our own."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from authproxy.errors import Code, CredentialError
from authproxy.exchange import Secret
from authproxy.identity.clock_skew import Skew
from authproxy.identity.google.egress import AS_ENVIRONMENT, Egress
from authproxy.identity.machine import Machine
from authproxy.identity.source import NoSource, Product, Source, product_of
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.identity.token_cache.service_tokens import Tokens
from authproxy.runtime.sources import Identity, Kind, Needs, Sources
from authproxy.values import CredentialsSpec, EgressProxy
from authproxy.workers.parent_tokens import TokenDesk, from_parent
from authproxy.workers.worker_channel import GoneError, Message
from tests.support.source import FakeSource

AUDIENCE = "https://a.example"


def identity(credentials: str = "metadata", egress: Egress = AS_ENVIRONMENT) -> Identity:
    return Identity(
        credentials=CredentialsSpec(credentials),
        impersonate=None,
        delegates=(),
        scopes=(),
        egress=egress,
    )


class FakeSecrets:
    """Says of itself what `own` says, and makes what `source` makes."""

    name = "fake secrets"

    def __init__(self, source: FakeSource, own: Source) -> None:
        self.mint = source.mint
        self._own = own

    def product(self, audience: str, /) -> Product:
        return product_of(self._own, audience)


class Stage:
    """`source` is the parent's; the worker has `tokens`."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.source = FakeSource(self.clock)
        self.skew = Skew(self.clock)
        self.asked: list[Message] = []
        self.is_gone = False
        self.parents = TokenCache(clock=self.clock, skew=Skew(self.clock))
        sources = Sources(self.parents, Machine(skew=Skew(self.clock)), self._fake)
        self.needs = Needs()
        self.sources = sources
        for kind in (sources.source, sources.secret_manager):
            kind(identity(), self.needs)
        self.desk = TokenDesk(sources)
        self.workers = TokenCache(clock=self.clock, skew=self.skew)
        self.worker = Sources(self.workers, Machine(), from_parent(self.ask, self.skew))

    def clock(self) -> float:
        return self.now

    def _fake(self, kind: Kind, _identity: Identity, own: Source) -> Source:
        return FakeSecrets(self.source, own) if kind == "secret" else self.source

    async def ask(self, question: Message) -> Message:
        if self.is_gone:
            raise GoneError
        self.asked.append(question)
        answer: Message = json.loads(json.dumps(await self.desk.answer(question)))
        return answer

    def tokens(self) -> Tokens:
        source = self.worker.source(identity(), Needs())
        return self.workers.tokens_for(source, AUDIENCE)

    async def get(self) -> str:
        async with asyncio.timeout(10):
            return (await self.tokens().get()).value.reveal()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    yield stage
    await stage.workers.close()
    await stage.parents.close()


async def test_a_worker_gets_what_its_parent_has_minted(stage: Stage) -> None:
    stage.source.answer("one")
    parents = await stage.parents.tokens_for(stage.source, AUDIENCE).get()

    assert "one" == await stage.get()
    assert parents == stage.tokens().current()
    assert [AUDIENCE] == stage.source.calls
    assert stage.skew.offset_s == 0.0


async def test_a_question_that_fails_gets_an_answer_all_the_same(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await stage.desk.answer({"kind": "token"})

    assert answer["error"]["message"].startswith("No token is available")
    assert "the token for a worker failed" in caplog.text


async def test_one_that_is_stale_is_not_given_again(stage: Stage) -> None:
    tokens = stage.tokens()
    stage.source.answer("one", life=3600)
    assert "one" == await stage.get()
    stage.now += 3590
    stage.source.answer("two")
    assert tokens.current() is not None  # it is still good, and another one is fetched
    async with asyncio.timeout(10):
        while (now := tokens.current()) is None or now.value.reveal() != "two":
            await asyncio.sleep(0.001)
            stage.now += 0.001

    assert [AUDIENCE] * 2 == stage.source.calls
    assert "one" == stage.asked[-1]["has"]


async def test_one_that_a_service_has_rejected_is_given_up_by_all(stage: Stage) -> None:
    tokens = stage.tokens()
    stage.source.answer("one")
    await stage.get()
    now = tokens.current()
    assert now is not None
    stage.source.answer("two")

    assert tokens.reject(now)
    assert "two" == await stage.get()
    assert ["", "one"] == [each["rejected"] for each in stage.asked]
    parents = stage.parents.tokens_for(stage.source, AUDIENCE).current()
    assert parents is not None
    assert "two" == parents.value.reveal()


async def test_a_failure_is_told_as_it_was(stage: Stage) -> None:
    stage.source.fail(
        CredentialError("the key is gone", hint="Make one.", detail="404", permanent=True)
    )

    with pytest.raises(CredentialError) as caught:
        await stage.get()

    error = caught.value
    assert f"no identity token for {AUDIENCE}: the key is gone" == error.message
    assert ("Make one.", "404", True) == (error.hint, error.detail, error.permanent)
    assert Code.TOKEN_UNAVAILABLE is error.code


async def test_a_secret_that_is_missing_is_called_a_secret(stage: Stage) -> None:
    source = stage.worker.secret_manager(identity(), Needs())
    stage.source.fail(CredentialError("gone"))

    with pytest.raises(CredentialError, match="no secret projects/p/secrets/s: gone") as caught:
        await stage.workers.tokens_for(source, "projects/p/secrets/s").get()

    assert Code.SECRET_UNAVAILABLE is caught.value.code


async def test_whoever_asks_for_what_was_taken_out_hears_so(stage: Stage) -> None:
    stage.sources.keep_only(Needs())

    with pytest.raises(CredentialError, match="the service was taken out of the configuration"):
        await stage.get()


async def test_a_worker_that_has_read_another_way_out_gets_the_same_tokens(stage: Stage) -> None:
    """Each process reads the file of an egress proxy when it builds its configuration."""
    stage.source.answer("one")
    way_out = EgressProxy(scheme="http", host="proxy.example", port=3128, userinfo=Secret("me:new"))
    source = stage.worker.source(identity(egress=way_out), Needs())

    async with asyncio.timeout(10):
        token = await stage.workers.tokens_for(source, AUDIENCE).get()

    assert "one" == token.value.reveal()


async def test_without_a_parent_there_are_no_tokens(stage: Stage) -> None:
    stage.is_gone = True

    with pytest.raises(CredentialError, match="authproxy is stopping"):
        await stage.get()


async def test_no_token_is_asked_for_where_none_is_wanted(stage: Stage) -> None:
    source = stage.worker.source(identity("none"), Needs())

    assert isinstance(source, NoSource)


def test_no_secret_is_shown() -> None:
    made = identity()

    assert 64 == len(made.digest)
    assert made.digest == identity().digest != identity("gcloud").digest
