"""What a token from memory costs a request, in CPU time of this process.

python -m benchmarks.tokens

Each lookup is one call of `Tokens.current`, as every request makes it, with real clocks. Once in
KNOWN_FOR_S the cache itself is asked, which is in the numbers. What reading the CPU clock costs is
in the shares as well: they are upper bounds. The mean is of one long run, without it.
"""

import asyncio
import gc
import time

from authproxy.exchange import Secret, Token
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.identity.token_cache.service_tokens import Tokens

LOOKUPS = 1_000_000
SHARES = (0.5, 0.99, 0.999)


class HourLong:
    """A source whose tokens are fresh."""

    name = "benchmark"

    def mint(self, audience: str, /) -> Token:
        now = time.time()
        return Token(
            value=Secret("x" * 800),
            expires_at=now + 3600,
            audience=audience,
            principal="me@x.example",
            source=self.name,
            issued_at=now,
        )


def durations(tokens: Tokens) -> list[int]:
    """Nanoseconds of CPU for each lookup, in order of size."""
    clock, current = time.thread_time_ns, tokens.current
    taken = []
    for _ in range(LOOKUPS):
        before = clock()
        current()
        taken.append(clock() - before)
    return sorted(taken)


def mean_ns(tokens: Tokens) -> float:
    current = tokens.current
    before = time.thread_time_ns()
    for _ in range(LOOKUPS):
        current()
    return (time.thread_time_ns() - before) / LOOKUPS


async def measure() -> None:
    cache = TokenCache()
    tokens = cache.tokens_for(HourLong(), "https://a.run.app")
    await tokens.get()
    gc.disable()
    print(f"mean: {mean_ns(tokens) / 1000:.2f} µs of CPU")
    taken = durations(tokens)
    for share in SHARES:
        print(f"{share:.1%} take at most {taken[int(share * LOOKUPS)] / 1000:.2f} µs")
    gc.enable()
    await cache.close()


if __name__ == "__main__":
    asyncio.run(measure())
