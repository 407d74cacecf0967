"""Says why Google refused, where the answer itself does not: in the log of the program."""

import logging
import time
from collections.abc import Callable, Iterable

from authproxy.auth.named import Named
from authproxy.exchange import NO_TOKEN, ResponseHead, Token, make_field
from authproxy.policy.google.advice import Situation, advise
from authproxy.policy.google.rejection import LOWEST_STATUS, Rejection, is_token_rejection, judge

logger = logging.getLogger(__name__)

EVERY_S = 60.0
"""How often the same is logged."""

Fields = Iterable[tuple[bytes, bytes]]


def response_head(status: int, fields: Fields) -> ResponseHead:
    return ResponseHead(status, b"", [make_field(name, value) for name, value in fields])


def turns_token_down(head: ResponseHead) -> bool:
    """Whether another token may do, by the word of Google's front end."""
    return is_token_rejection(head)


class GoogleAnswers:
    """Remembers what it has said: one for each `ServiceAuth`."""

    def __init__(
        self, now: Callable[[], float], steady: Callable[[], float] = time.monotonic
    ) -> None:
        """`now`: Google's time; `steady`: seconds that never go back."""
        self._now = now
        self._steady = steady
        self._told: dict[tuple[str, Rejection], float] = {}

    def tell(self, named: Named, token: Token, head: ResponseHead, target: bytes) -> None:
        """Log what helps, if Google wrote this answer. Its body is left to who asked.

        `target`: path and query of the request.
        """
        if head.status < LOWEST_STATUS:
            return
        rejection = judge(head.status, head.headers, b"", path=target)
        if rejection is None or not self._is_news(named.name, rejection):
            return
        advice = advise(rejection, self._situation(named, token))
        as_whom = "without a token" if token is NO_TOKEN else f"as {token.principal}"
        logger.warning(
            "Google refused a request to %s with %d (%s): %s",
            named.origin,
            head.status,
            as_whom,
            advice.line,
            extra={"service": named.name, "status": head.status, "rejection": str(rejection)},
        )

    def _situation(self, named: Named, token: Token) -> Situation:
        return Situation(
            service=named.name,
            origin=named.origin,
            audience=token.audience,
            principal=token.principal,
            source=token.source,
            expires_at=token.expires_at,
            issued_at=token.issued_at,
            now=self._now(),
        )

    def _is_news(self, service: str, rejection: Rejection) -> bool:
        now = self._steady()
        told_at = self._told.get((service, rejection))
        if told_at is not None and now - told_at < EVERY_S:
            return False
        self._told[service, rejection] = now
        return True
