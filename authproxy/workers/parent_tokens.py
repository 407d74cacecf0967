"""Tokens of all workers, made once by their parent; secrets and addresses of services likewise.

A worker keeps what it got, and asks again when that is stale or a service has rejected it. Asking
again it says what it has, so that it does not get the same once more.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Any

from authproxy.errors import Code, CredentialError
from authproxy.exchange import Secret, Token
from authproxy.identity.clock_skew import Skew
from authproxy.identity.source import NoSource, Product, Source, product_of
from authproxy.runtime.sources import Elsewhere, Identity, Kind, Sources
from authproxy.wire import refusals
from authproxy.workers.worker_channel import GoneError, Message

logger = logging.getLogger(__name__)

Ask = Callable[[Message], Coroutine[Any, Any, Message]]


class FromParent:
    """A source in a worker: it asks the parent for what `own` would make."""

    def __init__(
        self,
        kind: Kind,
        identity: Identity,
        own: Source,
        ask: Ask,
        skew: Skew,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.name = own.name
        self._own = own
        self._question = {"do": "token", "kind": kind, "identity": identity.digest}
        self._ask = ask
        self._skew = skew
        self._loop = loop
        self._last: dict[str, Token] = {}
        self._rejected: dict[str, str] = {}

    def product(self, audience: str, /) -> Product:
        return product_of(self._own, audience)

    def rejected(self, audience: str, /) -> None:
        if audience in self._last:
            self._rejected[audience] = self._last[audience].value.reveal()

    def mint(self, audience: str, /) -> Token:
        last = self._last.get(audience)
        question = {
            **self._question,
            "audience": audience,
            "has": last.value.reveal() if last is not None else "",
            "rejected": self._rejected.pop(audience, ""),
        }
        try:
            answer = asyncio.run_coroutine_threadsafe(self._ask(question), self._loop).result()
        except (GoneError, RuntimeError):
            raise CredentialError("authproxy is stopping and gets no more tokens") from None
        self._skew.offset_s = answer["skew_s"]
        if "error" in answer:
            raise self._error(audience, answer["error"])
        value = Secret(answer["token"].pop("value"))
        token = self._last[audience] = Token(value=value, **answer["token"])
        return token

    def _error(self, audience: str, told: Message) -> CredentialError:
        """As `own` would raise it: whoever asked will say what it was for. Without `pause_s`: the
        parent alone asks Google, so this process need not wait to ask the parent."""
        message = told["message"].removeprefix(f"no {self.product(audience).missing}: ")
        return CredentialError(
            message,
            hint=told["hint"],
            detail=told["detail"],
            permanent=told["permanent"],
            retry_after_s=told["retry_after_s"],
            code=Code(told["code"]),
        )

    def __repr__(self) -> str:
        return f"<FromParent {self.name}>"


def from_parent(ask: Ask, skew: Skew) -> Elsewhere:
    """For the sources of a worker, on whose loop this is called."""
    loop = asyncio.get_running_loop()

    def make(kind: Kind, identity: Identity, own: Source) -> Source:
        if isinstance(own, NoSource):
            return own
        return FromParent(kind, identity, own, ask, skew, loop)

    return make


class TokenDesk:
    """The parent's side: answers what workers ask."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def answer(self, question: Message) -> Message:
        try:
            told: Message = {"token": _shown(await self._get(question))}
        except CredentialError as error:
            told = {"error": _told(error)}
        except Exception:
            logger.exception("the token for a worker failed")
            told = {"error": _told(refusals.no_token())}
        return {**told, "skew_s": self._sources.machine.skew.offset_s}

    async def _get(self, question: Message) -> Token:
        """Raises CredentialError."""
        kind, audience = question["kind"], question["audience"]
        tokens = self._sources.find_tokens(kind, question["identity"], audience)
        if tokens is None:
            raise CredentialError("the service was taken out of the configuration")
        now = tokens.current()
        if now is not None and now.value.reveal() == question["rejected"]:
            tokens.reject(now)
        return await tokens.get_other(question["has"])

    def __repr__(self) -> str:
        return f"<TokenDesk {self._sources!r}>"


def _shown(token: Token) -> Message:
    return {**asdict(token), "value": token.value.reveal()}


def _told(error: CredentialError) -> Message:
    return {
        "message": error.message,
        "hint": error.hint,
        "detail": error.detail,
        "permanent": error.permanent,
        "retry_after_s": error.retry_after_s,
        "code": error.code,
    }
