"""A source whose mints end when the test says so."""

import asyncio
import threading
from collections.abc import Callable
from queue import Queue

from authproxy.errors import CredentialError
from authproxy.exchange import Secret, Token

Outcome = Callable[[str], Token]


class FakeSource:
    """`mint` blocks until `answer` or `fail` was called once for it; outcomes queue up."""

    def __init__(self, clock: Callable[[], float], *, life: float = 3600.0) -> None:
        self.name = "fake"
        self.calls: list[str] = []
        """The audiences asked for, in order."""
        self.running = 0
        self.most_running = 0
        self.life = life
        self._clock = clock
        self._outcomes: Queue[Outcome] = Queue()
        self._lock = threading.Lock()

    def answer(self, value: str = "jwt", *, life: float | None = None, age: float = 0.0) -> None:
        """One mint succeeds: with a token that is `age` old and lives `life` altogether."""

        def outcome(audience: str) -> Token:
            issued_at = self._clock() - age
            return Token(
                value=Secret(value),
                expires_at=issued_at + (self.life if life is None else life),
                audience=audience,
                principal="me@x.example",
                source=self.name,
                issued_at=issued_at,
            )

        self._outcomes.put(outcome)

    def fail(self, error: Exception | None = None) -> None:
        """One mint fails."""

        def outcome(_audience: str) -> Token:
            raise error or CredentialError("no luck", hint="Try again.", detail="why")

        self._outcomes.put(outcome)

    def mint(self, audience: str, /) -> Token:
        with self._lock:
            self.calls.append(audience)
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            return self._outcomes.get()(audience)
        finally:
            with self._lock:
                self.running -= 1


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread or task brings about; the test's time-out is the end of it."""
    while not condition():  # noqa: ASYNC110 -- what is waited for is not ours to add an event to
        await asyncio.sleep(0.001)
