"""Envoy's messages: a CheckRequest as the request that it is about, a decision as CheckResponse.

What the request's fields say of the client does not count. Envoy's attributes name its peer, which
may be a balancer; whom Envoy has found behind that, it says in the metadata of the call.
"""

from collections.abc import Iterator
from typing import Any

from authproxy.authorizer.answers import refusal_answer
from authproxy.authorizer.decisions import Granted
from authproxy.authorizer.envoy_messages import OVERWRITE_IF_EXISTS_OR_ADD, CheckResponse
from authproxy.authorizer.questions import CLIENT, PROTO, read_question
from authproxy.errors import AuthProxyError
from authproxy.exchange import Field, RequestHead, make_field

CLIENT_METADATA = "x-authproxy-client"
"""Of a call: the client's address, by Envoy's `initial_metadata`."""
PERMISSION_DENIED = 7
"""A number of google.rpc.Code; every one but 0 is a no."""
_NOT_ITS_OWN = frozenset(
    [PROTO, CLIENT, b"host", b"x-forwarded-host", b"x-forwarded-method", b"x-forwarded-uri"]
)
_UNSEEN = (b"forwarded", b"x-forwarded-method", b"x-forwarded-uri")
"""What of these the client has sent no decision knows, and no service gets."""
_FRAMING = frozenset([b"content-length", b"transfer-encoding"])
"""Of the request, not of the question."""


def read_check(request: Any, client: str = "") -> RequestHead:
    """The request that a CheckRequest is about. Raises Refused.

    `client`: its address, where Envoy has said more than its peer's.
    """
    http = request.attributes.request.http
    said = {
        "X-Forwarded-Method": http.method,
        "X-Forwarded-Uri": http.path,
        "X-Forwarded-Host": http.host,
        "X-Forwarded-Proto": http.scheme,
        "X-Forwarded-For": client or request.attributes.source.address.socket_address.address,
    }
    own = [make_field(name, value) for name, value in _headers(http)]
    own = [field for field in own if not field[0].startswith(b":") and field[0] not in _NOT_ITS_OWN]
    asked = [make_field(name.encode(), _bytes(value)) for name, value in said.items() if value]
    framing = [field for field in own if field[0] in _FRAMING]
    head = read_question([*asked, *(field for field in own if field[0] not in _FRAMING)])
    return RequestHead(head.method, head.target, "1.1", [*head.headers, *framing])


def _headers(http: Any) -> Iterator[tuple[bytes, bytes]]:
    """The client's fields: in the one place, or with Envoy's `encode_raw_headers` in the other."""
    for entry in http.headers:
        yield entry.key.encode(), _bytes(entry.value)
    for each in http.header_map.headers:
        yield each.key.encode(), each.raw_value or _bytes(each.value)


def granted_response(granted: Granted) -> Any:
    """A yes, with what to put on the request and what to take from it."""
    response = CheckResponse()
    response.status.code = 0
    for field in granted.fields:
        _put(response.ok_response.headers, field)
    for field in granted.cors:
        _put(response.ok_response.response_headers_to_add, field)
    removed = sorted({*granted.removed, *_UNSEEN})
    response.ok_response.headers_to_remove.extend(name.decode() for name in removed)
    _note(
        response,
        service=granted.service,
        principal=granted.principal,
        key=granted.key,
        request_id=granted.request_id,
    )
    return response


def refused_response(error: AuthProxyError, head: RequestHead | None, request_id: str) -> Any:
    """A no, as Envoy's client gets it; calls of gRPC get from Envoy what their protocol has."""
    made = refusal_answer(error, head, request_id)
    response = CheckResponse()
    response.status.code = PERMISSION_DENIED
    denied = response.denied_response
    denied.status.code = made.status
    denied.body = made.body.decode()
    for name, value in made.lines:
        if name != "Content-Length":
            _put(denied.headers, make_field(name.encode(), value.encode("latin-1")))
    _note(response, error=str(error.code), request_id=request_id)
    return response


def _put(headers: Any, field: Field) -> None:
    """In place of what is there under this name."""
    name, value, _ = field
    option = headers.add()
    option.header.key = name.decode("latin-1")
    option.header.value = value.decode("latin-1")
    option.append_action = OVERWRITE_IF_EXISTS_OR_ADD


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _note(response: Any, **texts: str) -> None:
    """For Envoy's log."""
    for name, text in texts.items():
        response.dynamic_metadata.fields[name].string_value = text
