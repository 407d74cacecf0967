"""Authentication for httpx, of both kinds of clients.

httpx follows redirects below its authentication, and takes off `Authorization` alone when one leads
to another host. So no other field may carry the token.
"""

from collections.abc import AsyncGenerator, Generator

from httpx import Auth, ByteStream, Request, Response

from authproxy.auth.google_answers import response_head, turns_token_down
from authproxy.auth.named import AUTHORIZATION, Named
from authproxy.auth.service_auth import ServiceAuth, put_on
from authproxy.errors import CredentialError
from authproxy.exchange import ResponseHead, Token

_WOULD_LEAK = (
    "httpx would carry the token along to wherever a redirect leads, since it takes off"
    " Authorization alone, and the token had to go into {name}"
)
_INSTEAD = (
    "Send no Authorization of your own and leave token_header as it is; or use aiohttp, requests,"
    " or authproxy.serve()."
)


class HttpxAuth(Auth):
    """A request to a service that is named gets its token."""

    def __init__(self, auth: ServiceAuth) -> None:
        self._auth = auth

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        named = self._find(request)
        if named is None:
            yield request
            return
        token = self._auth.get_token(named)
        put_on(request.headers, named, token)
        response = yield request
        is_down = _is_token_down(request, response)
        if is_down and self._auth.reject(named, token) and _is_replayable(request):
            token = self._auth.get_token(named)
            _replace(request, named, token)
            response = yield request
        self._tell(named, token, response)

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        named = self._find(request)
        if named is None:
            yield request
            return
        token = await self._auth.await_token(named)
        put_on(request.headers, named, token)
        response = yield request
        is_down = _is_token_down(request, response)
        if is_down and await self._auth.await_reject(named, token) and _is_replayable(request):
            token = await self._auth.await_token(named)
            _replace(request, named, token)
            response = yield request
        self._tell(named, token, response)

    def _find(self, request: Request) -> Named | None:
        """Raises CredentialError where httpx could not keep the token safe."""
        url = request.url
        named = self._auth.find(url.scheme, url.host, url.port)
        if named is None:
            return None
        name = named.field_name(has_authorization=AUTHORIZATION in request.headers)
        if name.lower() != AUTHORIZATION.lower():
            raise CredentialError(_WOULD_LEAK.format(name=name), hint=_INSTEAD, permanent=True)
        return named

    def _tell(self, named: Named, token: Token, response: Response) -> None:
        url = response.request.url
        if self._auth.find(url.scheme, url.host, url.port) == named:
            self._auth.tell(named, token, _head(response), url.raw_path)


def _head(response: Response) -> ResponseHead:
    return response_head(response.status_code, response.headers.raw)


def _is_token_down(request: Request, response: Response) -> bool:
    """Google refused the token of this request, not of one that a redirect led to."""
    return response.request.url == request.url and turns_token_down(_head(response))


def _is_replayable(request: Request) -> bool:
    """Whether all of its body is in memory."""
    return isinstance(request.stream, ByteStream)


def _replace(request: Request, named: Named, token: Token) -> None:
    request.headers.pop(AUTHORIZATION, None)
    put_on(request.headers, named, token)
