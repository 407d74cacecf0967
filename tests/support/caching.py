"""A token cache whose clock, timers and sources are the test's."""

import random
from collections.abc import Callable

import pytest

from authproxy.errors import CredentialError
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.identity.token_cache.service_tokens import Tokens
from tests.support.clock import FakeClock

A = "https://a.run.app"
B = "https://b.run.app"


class Steady(random.Random):
    """No jitter."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


def make_cache(clock: FakeClock, deadline_s: float = 20.0) -> TokenCache:
    return TokenCache(
        clock=clock,
        steady=clock.steady,
        rng=Steady(),
        call_later=clock.call_later,
        deadline_s=deadline_s,
    )


def settled(cache: TokenCache) -> Callable[[], bool]:
    """Whether nothing is being minted or waited for."""
    return lambda: len(cache.tasks) == 0


def shown(tokens: Tokens) -> str | None:
    token = tokens.current()
    return token.value.reveal() if token else None


async def failure(tokens: Tokens) -> CredentialError:
    with pytest.raises(CredentialError) as caught:
        await tokens.get()
    return caught.value
