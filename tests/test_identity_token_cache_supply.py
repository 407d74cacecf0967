"""What requests wait for besides a token."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from authproxy.errors import CredentialError
from authproxy.exchange import Secret, Token
from authproxy.identity.token_cache.lifetime import TokenState
from authproxy.identity.token_cache.status import TokenStatus
from authproxy.identity.token_cache.supply import Unresolved, WithSecrets


def thing(value: str, audience: str = "a") -> Token:
    return Token(
        value=Secret(value),
        expires_at=1e9,
        audience=audience,
        principal="me@x.example",
        source="test",
        issued_at=0.0,
    )


class Held:
    """Tokens that are there when the test says so."""

    def __init__(self, token: Token | None = None) -> None:
        self.token = token
        self.comes: Token | CredentialError = CredentialError("not there")
        self.rejected: list[Token] = []

    def current(self) -> Token | None:
        return self.token

    async def get(self) -> Token:
        await asyncio.sleep(0)
        if self.token is None:
            if isinstance(self.comes, CredentialError):
                raise self.comes
            self.token = self.comes
        return self.token

    def reject(self, token: Token) -> bool:
        self.rejected.append(token)
        return True

    def status(self) -> TokenStatus:
        return TokenStatus(
            source="test",
            audience=self.token.audience if self.token else "nowhere",
            principal="",
            state=TokenState.FRESH if self.token else TokenState.INVALID,
            expires_at=None,
            stale_at=None,
            obtained_at=None,
            obtained=0,
            failures=0,
            trouble=None,
            minting=False,
            next_try_at=None,
        )

    def statuses(self) -> tuple[TokenStatus, ...]:
        return (self.status(),)


class Heard:
    def __init__(self) -> None:
        self.all: list[dict[str, str]] = []

    def __call__(self, secrets: Mapping[str, Secret]) -> None:
        self.all.append({name: secret.reveal() for name, secret in secrets.items()})


def with_secrets(tokens: Held, *secrets: Held) -> tuple[WithSecrets, Heard]:
    heard = Heard()
    return WithSecrets(tokens, cast(Any, secrets), heard), heard


def test_a_token_is_handed_out_only_with_all_secrets() -> None:
    tokens, one, two = Held(thing("token")), Held(thing("k1", "one")), Held()
    supply, heard = with_secrets(tokens, one, two)

    assert supply.current() is None
    assert [] == heard.all
    two.token = thing("k2", "two")
    assert tokens.token is supply.current()
    assert [{"one": "k1", "two": "k2"}] == heard.all


def test_a_secret_that_is_another_is_told_once() -> None:
    secret = Held(thing("old", "one"))
    supply, heard = with_secrets(Held(thing("token")), secret)
    for value in ("old", "old", "new", "new"):
        secret.token = thing(value, "one")
        supply.current()

    assert [{"one": "old"}, {"one": "new"}] == heard.all


async def test_who_waits_gets_the_token_when_the_secrets_have_come() -> None:
    tokens, secret = Held(), Held()
    tokens.comes, secret.comes = thing("token"), thing("k1", "one")
    supply, heard = with_secrets(tokens, secret)

    assert "token" == (await supply.get()).value.reveal()
    assert [{"one": "k1"}] == heard.all


async def test_a_secret_that_cannot_be_had_is_said() -> None:
    supply, heard = with_secrets(Held(thing("token")), Held())

    with pytest.raises(CredentialError, match=r"^not there$"):
        await supply.get()
    assert [] == heard.all


def test_a_rejected_token_is_the_tokens_own_matter() -> None:
    tokens = Held(thing("token"))
    supply, _ = with_secrets(tokens)

    assert supply.reject(thing("token"))
    assert [thing("token")] == tokens.rejected
    assert "1 secrets" in repr(with_secrets(tokens, Held())[0])


def test_the_token_and_then_the_secrets_say_how_they_stand() -> None:
    supply, _ = with_secrets(Held(thing("token")), Held(thing("k1", "one")), Held())

    assert ["a", "one", "nowhere"] == [each.audience for each in supply.statuses()]


async def test_the_address_says_how_it_stands_until_it_is_known() -> None:
    address = Held()
    supply = Unresolved(cast(Any, address), lambda _: Held(thing("token")))
    assert ["nowhere"] == [each.audience for each in supply.statuses()]

    address.token = thing("https://a.run.app", "an address")
    await supply.get()
    assert ["a"] == [each.audience for each in supply.statuses()]


async def test_until_an_address_is_known_there_is_no_token() -> None:
    address, tokens = Held(), Held(thing("token"))
    address.comes = thing("https://a.run.app")
    found: list[str] = []

    def resolved(answer: Token) -> Held:
        found.append(answer.value.reveal())
        return tokens

    supply = Unresolved(cast(Any, address), resolved)
    assert supply.current() is None
    assert not supply.reject(thing("token"))
    assert "token" == (await supply.get()).value.reveal()
    assert tokens.token is supply.current()
    assert supply.reject(thing("token"))
    assert ["https://a.run.app"] == found
    assert repr(supply).startswith("<Unresolved [")


async def test_an_address_that_cannot_be_found_is_said() -> None:
    supply = Unresolved(cast(Any, Held()), lambda _: Held())

    with pytest.raises(CredentialError, match=r"^not there$"):
        await supply.wait()
