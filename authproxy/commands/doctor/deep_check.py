"""Asks one service whether it works: a HEAD with everything that its requests carry.

On a connection of its own, so that no client waits for it. Whatever the application answers is
good; what Google answers in its stead is not, nor that nobody is there.
"""

from typing import Literal

from authproxy.commands.doctor.http_probe import Answer, ask
from authproxy.errors import CredentialError, UpstreamError
from authproxy.exchange import NO_TOKEN, Field, Token, make_field
from authproxy.identity.token_cache.supply import Supply
from authproxy.policy.google.advice import Situation, advise
from authproxy.policy.google.rejection import judge, suspect
from authproxy.policy.messages.headers import token_line
from authproxy.wire.upstream.upstream import Upstream

ANSWER_S = 8.0
"""An instance may have to be started; whoever does not wait so long finds the answer next time."""
_NOBODY_BEHIND = (502, 503, 504)
"""Said by what is in front of the application, when that is not there."""


async def find_fault(upstream: Upstream, now: float) -> str:
    """Why requests to the service do not work; empty when they do. `now`: Google's time.

    It is asked as its own identity and as every account that a key acts as, as far as some request
    is; the first that does not work is told.
    """
    for account, supply in upstream.supplies.items():
        why = await _find_fault(upstream, supply, now)
        if why:
            return f"Asked as {account}, as keys do: {why}" if account else why
    return ""


async def _find_fault(upstream: Upstream, supply: Supply, now: float) -> str:
    try:
        token = await supply.get()
        lines = upstream.rules.extra + token_line(upstream.rules, token, has_authorization=False)
        answer = await _ask(upstream, lines, "HEAD")
        if suspect(answer.status, _fields(answer)) is not None:
            answer = await _ask(upstream, lines, "GET")  # only the page tells whose answer it is
    except (CredentialError, UpstreamError) as error:
        return error.text
    return _find_refusal(upstream, token, answer, now)


async def _ask(upstream: Upstream, lines: bytes, method: Literal["GET", "HEAD"]) -> Answer:
    return await ask(
        upstream.connector, lines, method=method, agent=b"authproxy-readiness", answer_s=ANSWER_S
    )


def _fields(answer: Answer) -> list[Field]:
    return [
        make_field(name.encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in answer.headers
    ]


def _find_refusal(upstream: Upstream, token: Token, answer: Answer, now: float) -> str:
    path = f"{upstream.origin.path}/".encode()
    rejection = judge(answer.status, _fields(answer), answer.body, path=path)
    if rejection is not None:
        return advise(rejection, _situation(upstream, token, now)).line
    if answer.status in _NOBODY_BEHIND:
        return f"The service answers {answer.status}."
    return ""


def _situation(upstream: Upstream, token: Token, now: float) -> Situation:
    is_sent = token is not NO_TOKEN
    return Situation(
        service=upstream.name,
        origin=upstream.origin,
        audience=token.audience,
        principal=token.principal,
        source=token.source,
        expires_at=token.expires_at if is_sent else now,
        issued_at=token.issued_at if is_sent else now,
        now=now,
    )
