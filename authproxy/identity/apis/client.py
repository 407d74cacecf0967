"""Asks Google's REST APIs, with an access token of one identity. Blocks: call it in a thread."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from authproxy.errors import CredentialError
from authproxy.exchange import Token
from authproxy.identity.apart.helper import Helper
from authproxy.identity.clock_skew import Skew
from authproxy.identity.google.apart import get
from authproxy.identity.google.egress import AS_ENVIRONMENT, Egress
from authproxy.identity.redaction import scrub
from authproxy.identity.source import Source

SPARE_S = 60.0
"""A token that ends sooner than this is not used for another question."""

Answer = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ApiRefusedError(Exception):
    """An API's answer that is an error, as google.rpc.Status has it."""

    status: int
    words: str
    """The error's status, its reasons and its message; free of secrets."""
    principal: str
    """Who asked."""

    @property
    def may_pass(self) -> bool:
        """Whether it is worth to ask again."""
        return self.status >= 500 or self.status in (401, 408, 429)


@dataclass(frozen=True, slots=True)
class Case:
    """A refusal that is known. What is in braces in message and hint is filled in."""

    needle: str
    """What Google's words contain."""
    message: str
    hint: str


def explained(
    refusal: ApiRefusedError, api: str, cases: Sequence[Case], places: Mapping[str, str]
) -> CredentialError:
    """By the first of `cases` that fits; what may pass needs no human."""
    known = next((case for case in cases if case.needle in refusal.words), None)
    if refusal.may_pass or known is None:
        return CredentialError(
            f"{api} answered {refusal.status}",
            hint="This is usually temporary; authproxy tries again." if refusal.may_pass else "",
            detail=refusal.words,
            permanent=not refusal.may_pass,
            pause_s=0.0 if refusal.status == HTTPStatus.TOO_MANY_REQUESTS else None,
        )
    return CredentialError(
        f"{api}: {known.message.format_map(places)}",
        hint=known.hint.format_map(places),
        detail=refusal.words,
        permanent=True,
    )


class GoogleApi:
    """All of Google's APIs, as one identity sees them."""

    def __init__(
        self,
        source: Source,
        skew: Skew,
        *,
        egress: Egress = AS_ENVIRONMENT,
        helper: Helper | None = None,
    ) -> None:
        """`source` makes access tokens; `helper`: of a process that asks in place of this one."""
        self.skew = skew
        self._source = source
        self._egress = egress
        self._helper = helper
        self._token: Token | None = None

    def get(self, url: str, *, api: str) -> tuple[Answer, str]:
        """What is at `url`, and who asked. `api` is its name, for messages.

        Raises CredentialError when nobody could be asked, ApiRefusedError when the answer was no.
        """
        token = self._access_token()
        fields = {"Authorization": f"Bearer {token.value.reveal()}"}
        answer = get(url, fields, api=api, skew=self.skew, egress=self._egress, helper=self._helper)
        body = _parse(answer.data)
        if answer.status == 401:
            self._token = None
        if answer.status >= 400:
            raise ApiRefusedError(answer.status, _words(body), token.principal)
        if body is None:
            raise CredentialError(
                f"{api}: the answer was not in the expected form",
                hint="Is there a proxy or a sign-in page between here and Google?",
            )
        return body, token.principal

    def _access_token(self) -> Token:
        """Raises CredentialError."""
        token = self._token
        if token is None or token.expires_at - self.skew.now() < SPARE_S:
            token = self._token = self._source.mint("")
        return token

    def __repr__(self) -> str:
        return f"<GoogleApi [{self._source.name}]>"


def _parse(data: bytes) -> Answer | None:
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, Mapping) else None


def _words(body: Answer | None) -> str:
    error = (body or {}).get("error")
    if not isinstance(error, Mapping):
        return ""
    details = error.get("details")
    reasons = [
        str(each.get("reason", ""))
        for each in (details if isinstance(details, list) else [])
        if isinstance(each, Mapping)
    ]
    words = [str(error.get("status", "")), *reasons, str(error.get("message", ""))]
    return scrub(" ".join(filter(None, words)))
