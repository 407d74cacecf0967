"""Authentication for requests. Its sessions follow redirects by copies of the request.

They take off `Authorization` when one leads to another host, and no other field; so the token is
taken off here, whatever its field, before the copy is made.
"""

from functools import partial
from typing import Any
from urllib.parse import urljoin, urlsplit

from requests import PreparedRequest, Response
from requests.auth import AuthBase

from authproxy.auth.google_answers import response_head, turns_token_down
from authproxy.auth.named import Named
from authproxy.auth.service_auth import ServiceAuth, put_on
from authproxy.exchange import ResponseHead, Token


class RequestsAuth(AuthBase):
    """A request to a service that is named gets its token."""

    def __init__(self, auth: ServiceAuth) -> None:
        self._auth = auth

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        named = self._find(request.url or "")
        if named is not None:
            token = self._auth.get_token(named)
            name = put_on(request.headers, named, token)
            answered = partial(self._answered, named=named, token=token, name=name)
            request.register_hook("response", answered)  # type: ignore[no-untyped-call]  # -- typeshed's
        return request

    def _answered(
        self, response: Response, *, named: Named, token: Token, name: str, **how: Any
    ) -> Response:
        """Each answer, on the way of a redirect too."""
        sent = response.request
        if self._find(sent.url or "") != named:
            return response
        head = _head(response)
        is_down = bool(name) and turns_token_down(head)
        if is_down and self._auth.reject(named, token) and _is_replayable(sent):
            token = self._auth.get_token(named)
            response = _send_again(response, name, f"Bearer {token.value.reveal()}", how)
            head = _head(response)
        self._auth.tell(named, token, head, (response.request.path_url or "/").encode())
        if response.is_redirect and self._find(_target(response)) != named:
            sent.headers.pop(name, None)
            response.request.headers.pop(name, None)
        return response

    def _find(self, url: str) -> Named | None:
        """As requests takes it apart to connect."""
        parts = urlsplit(url)
        try:
            return self._auth.find(parts.scheme, parts.hostname, parts.port)
        except ValueError:
            return None


def _target(response: Response) -> str:
    return urljoin(response.url, response.headers["location"])


def _head(response: Response) -> ResponseHead:
    fields = ((n.encode("latin-1"), v.encode("latin-1")) for n, v in response.headers.items())
    return response_head(response.status_code, fields)


def _is_replayable(request: PreparedRequest) -> bool:
    """Whether all of its body is in memory."""
    return request.body is None or isinstance(request.body, bytes | str)


def _send_again(response: Response, name: str, value: str, how: dict[str, Any]) -> Response:
    """With another token, on the same connection: as requests' own digest authentication."""
    _ = response.content  # read, so that the connection is free
    response.close()
    request = response.request.copy()
    request.headers[name] = value
    connection: Any = response.connection
    again: Response = connection.send(request, **how)
    again.history.append(response)
    again.request = request
    return again
