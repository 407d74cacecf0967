"""Tokens of one service: `current` is on the way of every request."""

import asyncio
import logging

from authproxy.errors import CredentialError
from authproxy.exchange import NO_TOKEN, Token
from authproxy.identity.source import (
    GOOGLE_APIS,
    HearsOfRejection,
    NoSource,
    Source,
    product_of,
)
from authproxy.identity.token_cache.concurrency import ConcurrencyLimit
from authproxy.identity.token_cache.lifetime import TokenState
from authproxy.identity.token_cache.refresh import REJECTED, Refresh
from authproxy.identity.token_cache.retry_state import NEVER
from authproxy.identity.token_cache.shared import CacheSlot, Shared
from authproxy.identity.token_cache.status import TokenStatus, Trouble

logger = logging.getLogger(__name__)

USED_WITHIN_S = 3600.0
"""Refresh ahead stops for an audience that nobody asked for in this time."""
KNOWN_FOR_S = 1.0
"""How long a token is taken for what the cache holds: to ask it costs a twentieth of all that
Python does for a small request."""
REJECT_EVERY_S = 30.0
"""How often a service's word that a token is invalid is believed, for each audience."""


class Tokens:
    """The tokens of one source for one audience."""

    def __init__(
        self, shared: Shared, source: Source, audience: str, limit: ConcurrencyLimit
    ) -> None:
        self.source = source
        self.audience = audience
        self._shared = shared
        self._wall = shared.wall
        self._pinned = NO_TOKEN if isinstance(source, NoSource) else None
        self._known: Token | None = None
        """What the cache held when last asked, good between two moments of the wall clock."""
        self._known_from = self._known_until = NEVER
        self._used_at = self._rejected_at = NEVER
        self._slot = CacheSlot(shared, (source, audience))
        self._refresh = Refresh(
            shared,
            source,
            audience,
            limit=limit,
            slot=self._slot,
            wanted=self._wanted,
            changed=self._forget,
        )

    def current(self) -> Token | None:
        """A token that can be sent now, else None; a stale one starts a background refresh."""
        if self._pinned is not None:
            return self._pinned
        self._used_at = now = self._wall()
        if self._known_from <= now < self._known_until:
            return self._known
        return self._look(now)

    def _look(self, wall: float) -> Token | None:
        """Ask the cache, and then not again for a moment."""
        found = self._slot.find()
        if found is None:
            self._forget()
            return None
        now = self._slot.now(found)
        ends_at = found.stale_at if now < found.stale_at else found.invalid_at
        self._known = found.token
        self._known_from = wall
        self._known_until = wall + min(KNOWN_FOR_S, ends_at - now)
        if now >= found.stale_at:
            self._refresh.refresh()
        return found.token

    async def get(self) -> Token:
        """`current()`, else the mint that all share; to cancel a waiter does not cancel the mint.

        Raises CredentialError.
        """
        token = self.current()
        if token is not None:
            return token
        if self._shared.closed:
            raise _stopping()
        retries = self._refresh.retries
        failure = retries.recent_failure(self._shared.now())
        if failure is not None:
            raise retries.refusal(failure, self._shared.now())
        attempt = self._refresh.attempt()
        await asyncio.wait((attempt,))
        if attempt.cancelled():
            raise _stopping()
        outcome = attempt.result()
        if isinstance(outcome, CredentialError):
            raise retries.refusal(outcome, self._shared.now())
        return outcome

    async def get_other(self, than: str) -> Token:
        """`get()`, but if that is stale and has the value `than`, the one after it.

        Raises CredentialError.
        """
        token = await self.get()
        if token.value.reveal() != than or self.state is not TokenState.STALE:
            return token
        attempt = self._refresh.attempt()
        await asyncio.wait((attempt,))
        outcome = _stopping() if attempt.cancelled() else attempt.result()
        if isinstance(outcome, CredentialError):
            raise self._refresh.retries.refusal(outcome, self._shared.now())
        return outcome

    def reject(self, token: Token) -> bool:
        """The service's front end called `token` invalid: drop it if it is still the current one.

        False when that was said too recently, or when there is no other token to be had: pass its
        answer on.
        """
        if self._pinned is not None:
            return False
        found = self._slot.find()
        if found is None or found.token.value != token.value:
            return True
        now = self._wall()
        if abs(now - self._rejected_at) < REJECT_EVERY_S:
            return False
        self._rejected_at = now
        self._refresh.reason = REJECTED
        if isinstance(self.source, HearsOfRejection):
            self.source.rejected(self.audience)
        self._slot.drop()
        self._forget()
        logger.warning(
            "token for %s rejected by the service: getting a new one",
            self.audience or GOOGLE_APIS,
            extra={"audience": self.audience, "source": self.source.name},
        )
        return True

    @property
    def state(self) -> TokenState:
        if self._pinned is not None:
            return TokenState.FRESH
        found = self._slot.find()
        return found.state(self._slot.now(found)) if found else TokenState.INVALID

    def status(self) -> TokenStatus:
        refresh = self._refresh
        found = self._slot.find()
        token = self._pinned or (found.token if found else None)
        failure = refresh.retries.failure
        return TokenStatus(
            source=self.source.name,
            audience=self.audience,
            principal=refresh.last.token.principal if refresh.last else "",
            state=self.state,
            expires_at=token.expires_at if token else None,
            stale_at=found.stale_at if found else None,
            obtained_at=refresh.last.received_at if refresh.last else None,
            obtained=refresh.count,
            failures=refresh.retries.failures,
            trouble=Trouble.of(failure) if failure else None,
            minting=refresh.mints.is_running,
            next_try_at=refresh.due_at,
            code=product_of(self.source, self.audience).code,
        )

    def statuses(self) -> tuple[TokenStatus, ...]:
        """The one status, as `supply.Supply` has it."""
        return (self.status(),)

    def give_up(self) -> None:
        """Its service is gone. Who asks all the same gets a token, by a mint of its own."""
        self._refresh.give_up()
        self._slot.drop()
        self._forget()

    def stop(self) -> None:
        self._refresh.stop()

    def __repr__(self) -> str:
        return f"<Tokens {self.audience} from {self.source.name} [{self.state}]>"

    def _forget(self) -> None:
        self._known = None
        self._known_until = NEVER

    def _wanted(self) -> bool:
        return self._wall() - self._used_at <= USED_WITHIN_S


def _stopping() -> CredentialError:
    return CredentialError("authproxy is stopping and gets no more tokens", retry_after_s=1)
