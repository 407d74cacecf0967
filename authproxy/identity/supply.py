"""What the requests of a service wait for: its token, and whatever else they are of no use without.

On the way of every request, so the usual case, tokens alone, has no code here.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from authproxy.exchange import Secret, Token
from authproxy.identity.tokens import Tokens


class Supply(Protocol):
    """What one service asks for tokens, as `authproxy.identity.tokens.Tokens` has it."""

    def current(self) -> Token | None: ...

    async def get(self) -> Token: ...

    def reject(self, token: Token, /) -> bool: ...


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

    def __repr__(self) -> str:
        return f"<WithSecrets [{self._tokens} | {len(self._secrets)} secrets]>"


class Unresolved:
    """Stands in for the tokens of a service whose address is not known yet."""

    def __init__(self, address: Tokens, resolved: Callable[[Token], Supply]) -> None:
        """`resolved` is called once, with what was found, and gives what takes our place."""
        self._address = address
        self._resolved = resolved
        self._place: Supply | None = None

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
        return self._place is not None and self._place.reject(token)

    def _take(self, found: Token) -> Supply:
        if self._place is None:
            self._place = self._resolved(found)
        return self._place

    def __repr__(self) -> str:
        return f"<Unresolved [{self._address}]>"
