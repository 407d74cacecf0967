import threading

import pytest

from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.identity.once import mint_once
from authproxy.identity.source import NoSource
from tests.support.proxying import make_token


class Given:
    name = "given"

    def __init__(self, outcome: Token | Exception) -> None:
        self._outcome = outcome

    def mint(self, audience: str, /) -> Token:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


class Hanging(NoSource):
    name = "hanging"
    released = threading.Event()

    def mint(self, audience: str, /) -> Token:
        self.released.wait()
        return super().mint(audience)


async def failure(outcome: Exception) -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        await mint_once(Given(outcome), "https://a", deadline_s=60)
    return caught.value


async def test_the_sources_token_is_given() -> None:
    token = make_token()

    assert token is await mint_once(Given(token), "https://a", deadline_s=60)


async def test_the_sources_error_is_passed_on() -> None:
    error = CredentialError("No.")

    assert error is await failure(error)


async def test_an_error_that_no_source_may_raise_becomes_one_without_its_text() -> None:
    error = await failure(KeyError("hunter2"))

    assert error.message.startswith("given failed in an unforeseen way (KeyError at ")
    assert "hunter2" not in error.message


async def test_a_source_that_hangs_is_left_to_itself() -> None:
    source = Hanging()
    with pytest.raises(CredentialError) as caught:
        await mint_once(source, "https://a", deadline_s=0)
    source.released.set()

    assert "hanging has not answered within 0 seconds" == caught.value.message
