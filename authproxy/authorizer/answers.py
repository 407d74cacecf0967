"""Answers to questions, for a proxy that takes every 2xx for a yes and sends on what is in it.

Some of our answers are no refusals: the list of services, a preflight's, that of a health check.
Whoever asks for these asks authproxy itself, and the proxy in front would pass their request on.
"""

from authproxy.errors import AuthProxyError, Code, Refused
from authproxy.exchange import RequestHead
from authproxy.wire.replies import Answer, answer

_WHY = {
    Code.PREFLIGHT: (
        Code.CROSS_SITE,
        "Pages of this origin are allowed, but their preflights cannot be answered here.",
        "Let the proxy in front answer OPTIONS requests with Access-Control-Request-Method.",
    ),
    Code.START_PAGE: (
        Code.NO_ROUTE,
        "No service is at this address.",
        "The settings `hosts` and `path` of each service say which addresses lead to it.",
    ),
}
_ACCEPT = frozenset([b"accept"])


def as_refusal(error: AuthProxyError) -> AuthProxyError:
    """`error`, or what stands for it where it is no refusal."""
    if error.status >= 400:
        return error
    nothing = Code.NO_ROUTE, "This is for authproxy itself, and no service gets it.", ""
    code, message, hint = _WHY.get(error.code, nothing)
    return Refused(message, code=code, hint=hint, detail=f"in place of {error.code}")


def refusal_answer(error: AuthProxyError, head: RequestHead | None, request_id: str) -> Answer:
    """What the proxy in front gets, and perhaps its client; never with a status below 400.

    As text, as a page or as JSON, whatever protocol the request speaks: calls of gRPC and MCP would
    be told by a 200.
    """
    headers = [] if head is None else [each for each in head.headers if each[0] in _ACCEPT]
    return answer(as_refusal(error), RequestHead(b"GET", b"/", "1.1", headers), request_id)


def failed() -> Refused:
    """What is said where the authorizer itself has failed: nothing passes then."""
    return Refused(
        "authproxy could not decide about this request, because of an unexpected error.",
        code=Code.NOT_AUTHORIZED,
        hint="Its log says more.",
    )
