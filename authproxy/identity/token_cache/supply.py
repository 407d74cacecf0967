"""Gives a service's requests their token, once everything that they need is there.

Most services need a token only: that is `service_tokens.Tokens`. `WithSecrets` also waits for
secrets from Secret Manager; `Unresolved` waits for the address of a service given by name.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from authproxy.exchange import Secret, Token
from authproxy.identity.token_cache.service_tokens import Tokens
from authproxy.identity.token_cache.status import TokenStatus


class Supply(Protocol):
    """Supply of one service's requests with tokens, once all else that they need is there."""

    def current(self) -> Token | None:
        """What can be sent at once; None when it has to be waited for. Never blocks, and starts a
        refresh in the background where one is due."""

    async def get(self) -> Token:
        """What can be sent, once it is there. Raises CredentialError when it cannot be had now.

        Any number may wait: they share one mint, and to cancel one of them does not cancel it.
        """

    def reject(self, token: Token, /) -> bool:
        """The service says that `token` is not valid: drop it, so that the next one is new.

        True when it is worth sending the request again; False where that was so a moment ago.
        """

    def statuses(self) -> tuple[TokenStatus, ...]:
        """How everything stands that a request waits for: the token, then secrets. While the
        service's address is not known it is the address alone. Asks nobody."""


class WithSecrets:
    """Tokens that are handed out only while every secret is known."""

    def __init__(
        self,
        tokens: Supply,
        secrets: Sequence[Tokens],
        changed: Callable[[Mapping[str, Secret]], None],
    ) -> None:
        """`changed` hears the secrets by their names, at first and whenever one is another."""
        self._tokens = tokens
        self._secrets = tuple(secrets)
        self._changed = changed
        self._known: list[Token] = []

    def current(self) -> Token | None:
        found = [each.current() for each in self._secrets]
        known = [secret for secret in found if secret is not None]
        if len(known) < len(found):
            return None
        if known != self._known:
            self._known = known
            self._changed({secret.audience: secret.value for secret in known})
        return self._tokens.current()

    async def get(self) -> Token:
        """Raises CredentialError, of whichever fails first."""
        while (token := self.current()) is None:
            await asyncio.gather(*(each.get() for each in self._secrets), self._tokens.get())
        return token

    def reject(self, token: Token, /) -> bool:
        return self._tokens.reject(token)

    def statuses(self) -> tuple[TokenStatus, ...]:
        return (*self._tokens.statuses(), *(each.status() for each in self._secrets))

    def __repr__(self) -> str:
        return f"<WithSecrets [{self._tokens} | {len(self._secrets)} secrets]>"


class Unresolved:
    """Stands in for the tokens of a service whose address is not known yet."""

    def __init__(self, address: Tokens, resolved: Callable[[Token], Supply]) -> None:
        """`resolved` is called once, with what was found, and gives what takes our place."""
        self._address = address
        self._resolved = resolved
        self._slot: Supply | None = None

    def current(self) -> Token | None:
        found = self._address.current()
        return None if found is None else self._take(found).current()

    async def get(self) -> Token:
        """Raises CredentialError."""
        return await (await self.wait()).get()

    async def wait(self) -> Supply:
        """What takes our place, once the address is known. Raises CredentialError."""
        return self._take(await self._address.get())

    def reject(self, token: Token, /) -> bool:
        return self._slot is not None and self._slot.reject(token)

    def statuses(self) -> tuple[TokenStatus, ...]:
        return (self._address.status(),) if self._slot is None else self._slot.statuses()

    def _take(self, found: Token) -> Supply:
        if self._slot is None:
            self._slot = self._resolved(found)
        return self._slot

    def __repr__(self) -> str:
        return f"<Unresolved [{self._address}]>"
