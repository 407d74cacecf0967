"""A middleware for aiohttp's clients. It sees each hop of a redirect by itself."""

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from aiohttp.payload import BytesPayload

from authproxy.auth.google_answers import response_head, turns_token_down
from authproxy.auth.service_auth import ServiceAuth, put_on


class AiohttpMiddleware:
    """Each request to a service that is named gets its token, WebSocket handshakes too."""

    def __init__(self, auth: ServiceAuth) -> None:
        self._auth = auth

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        named = self._auth.find(request.url.scheme, request.url.raw_host, request.url.port)
        if named is None:
            return await handler(request)
        token = await self._auth.await_token(named)
        name = put_on(request.headers, named, token)
        response = await handler(request)
        head = response_head(response.status, response.raw_headers)
        is_down = bool(name) and turns_token_down(head)
        if is_down and await self._auth.await_reject(named, token) and is_replayable(request):
            response.release()
            token = await self._auth.await_token(named)
            request.headers[name] = f"Bearer {token.value.reveal()}"
            response = await handler(request)
            head = response_head(response.status, response.raw_headers)
        self._auth.tell(named, token, head, request.url.raw_path_qs.encode())
        return response


def is_replayable(request: ClientRequest) -> bool:
    """Whether all of its body is in memory."""
    return isinstance(request.body, bytes | BytesPayload)
