"""ServiceAuth, for programs: one object with the tokens of the services that it was given.

It hands out something for each HTTP library. All of them share its tokens, its thread, and what it
knows of Google's refusals.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack
from urllib.parse import urlsplit

from authproxy.auth.auth_keywords import NamedService, TokenKeywords, read_keywords
from authproxy.auth.google_answers import GoogleAnswers
from authproxy.auth.minting import Minting
from authproxy.auth.named import Named, bearer, named_places, place_of
from authproxy.errors import CredentialError
from authproxy.exchange import ResponseHead, Token
from authproxy.settings import Settings

if TYPE_CHECKING:
    import aiohttp
    import grpc
    import httpx
    import requests.auth


class ServiceAuth:
    """Puts identity tokens on requests to the services that are named here, and on no others."""

    def __init__(
        self,
        services: str | Sequence[str] | Mapping[str, str | NamedService],
        /,
        **settings: Unpack[TokenKeywords],
    ) -> None:
        """`services`: an address, several, or addresses by name with settings of their own.

        Nothing is asked for before the first request, or until it is entered as a context. Raises
        ConfigError with everything that is wrong.
        """
        self._use(read_keywords(services, settings, os.environ))

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """From settings that were read already."""
        made = cls.__new__(cls)
        made._use(settings)
        return made

    def _use(self, read: Settings) -> None:
        self._places = named_places(read.services)
        self._minting = Minting(read, os.environ)
        self._answers = GoogleAnswers(self._minting.skew.now)

    def aiohttp(self) -> "aiohttp.ClientMiddlewareType":
        """For `aiohttp.ClientSession(middlewares=[…])`."""
        made: aiohttp.ClientMiddlewareType = self._adapter("aiohttp", "AiohttpMiddleware")
        return made

    def httpx(self) -> "httpx.Auth":
        """For `httpx.Client(auth=…)` and `httpx.AsyncClient(auth=…)`."""
        made: httpx.Auth = self._adapter("httpx", "HttpxAuth")
        return made

    def requests(self) -> "requests.auth.AuthBase":
        """For `requests.Session().auth`, and for `requests.get(…, auth=…)`."""
        made: requests.auth.AuthBase = self._adapter("requests", "RequestsAuth")
        return made

    def grpc(self) -> "grpc.CallCredentials":
        """For `grpc.composite_channel_credentials`; of channels of grpc.aio too."""
        return import_module_for("grpc").call_credentials(self)

    def token(self, url: str, /) -> str:
        """The token itself for a service by its address, for what has no adapter. May wait.

        Raises CredentialError, and ValueError for an address that was not named.
        """
        parts = urlsplit(url)
        named = self.find(parts.scheme, parts.hostname, parts.port)
        if named is None:
            raise ValueError(f"{parts.scheme}://{parts.netloc} is not one of the services named")
        return self.get_token(named).value.reveal()

    def close(self) -> None:
        """End its thread. Whoever waits for a token gets CredentialError."""
        self._minting.close()

    def __enter__(self) -> Self:
        """Fetch the tokens now, in the background, so that the first request need not wait."""
        for named in self._places.values():
            self._minting.get(named.name)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.close)

    # For adapters, of other HTTP libraries too.

    def find(self, scheme: str, host: str | None, port: int | None) -> Named | None:
        """The service at this address; None: it gets no token."""
        place = place_of(scheme, host, port)
        return None if place is None else self._places.get(place)

    def get_token(self, named: Named) -> Token:
        """Waits where there is none. Raises CredentialError."""
        token = self._minting.at_hand(named.name)
        if token is not None:
            return token
        try:
            return self._minting.get(named.name).result()
        except CredentialError as error:
            raise explained(error) from None

    async def await_token(self, named: Named) -> Token:
        """As `get_token`, on any event loop."""
        token = self._minting.at_hand(named.name)
        if token is not None:
            return token
        try:
            return await asyncio.wrap_future(self._minting.get(named.name))
        except CredentialError as error:
            raise explained(error) from None

    def ask_token(self, named: Named) -> Future[Token]:
        """As `get_token`, for who can neither wait nor await."""
        token = self._minting.at_hand(named.name)
        if token is not None:
            done: Future[Token] = Future()
            done.set_result(token)
            return done
        return self._minting.get(named.name)

    def reject(self, named: Named, token: Token) -> bool:
        """Google calls `token` invalid. Whether another one, and another try, may do."""
        return self._minting.reject(named.name, token).result()

    async def await_reject(self, named: Named, token: Token) -> bool:
        """As `reject`, on any event loop."""
        return await asyncio.wrap_future(self._minting.reject(named.name, token))

    def tell(self, named: Named, token: Token, head: ResponseHead, target: bytes) -> None:
        """Log what helps, if Google refused."""
        self._answers.tell(named, token, head, target)

    def _adapter(self, library: str, name: str) -> Any:
        return getattr(import_module_for(library), name)(self)

    def __repr__(self) -> str:
        return f"<ServiceAuth [{', '.join(str(each.origin) for each in self._places.values())}]>"


def import_module_for(library: str) -> Any:
    """Its adapter. Raises ImportError that says what to install."""
    try:
        return import_module(f"authproxy.auth.for_{library}")
    except ModuleNotFoundError as error:
        if error.name != library:
            raise
        package = {"grpc": "grpcio"}.get(library, library)
        raise ModuleNotFoundError(
            f"{package} is not installed, and ServiceAuth.{library}() needs it: pip install"
            f" {package}",
            name=library,
        ) from None


def explained(error: CredentialError) -> CredentialError:
    """With the advice where Python shows it."""
    if error.hint:
        error.add_note(error.hint)
    return error


def put_on(headers: Any, named: Named, token: Token) -> str:
    """Put `token` on a request's header fields; the name of its field, empty for no token."""
    value = bearer(token)
    if value is None:
        return ""
    name = named.field_name(has_authorization="Authorization" in headers)
    headers[name] = value
    return name
