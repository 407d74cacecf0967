"""Carries google-auth's own requests, within a time that a waiting request can bear.

google-auth retries a refused metadata server for 14 seconds and lets one request take two minutes.
Nothing of google or requests is imported before a token is wanted: that takes 0.15 seconds.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NoReturn

from authproxy.identity.clock_skew import Skew, is_google
from authproxy.identity.google.egress import AS_ENVIRONMENT, Egress, proxies_for

PATIENCE_S = 2.5
"""What fails after this is not tried again …"""
LAST_CALL_S = 12.0
"""… and no request starts after this."""
REQUEST_S = 6.0
"""For one request; less when google-auth asks for less."""


Way = tuple[Callable[..., Any], Mapping[str, str | None]]
"""What sends a request, and the proxies that it takes."""


class GaveUpError(Exception):
    """Ends google-auth's retries, as it knows nothing of this class; `__cause__` says why."""


class Request:
    """A `google.auth.transport.Request` for one mint; close it afterwards."""

    def __init__(
        self,
        *,
        direct: bool,
        skew: Skew,
        egress: Egress = AS_ENVIRONMENT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`direct`: no proxy, except to Google's hosts: none can reach the metadata server.

        `skew` learns from the answers of both.
        """
        quiet_google_loggers()
        from google.auth.transport.requests import Request as GoogleRequest

        from authproxy.identity.google.session import new_session

        self.session = new_session()
        self._sessions = [self.session]
        self._way: Way = (GoogleRequest(self.session), proxies_for(egress))
        self._way_inside: Way = self._way
        """To what only this machine can reach."""
        if direct:
            inside = new_session()
            inside.trust_env = False
            self._sessions.append(inside)
            self._way_inside = (GoogleRequest(inside), {})
        self._direct = direct
        self._skew = skew
        self.answered = 0
        """Answers that came."""
        self.status = 0
        """Of the last answer."""
        self.pause_s = 0.0
        """How long the last answer has asked to be left alone."""
        self._refusals = 0
        """Answers that say that too many ask."""
        self.asked_google = False
        """Whether a request was sent to one of Google's hosts."""
        self._clock = clock
        self._started_at = clock()

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> Any:
        from google.auth.exceptions import TransportError

        waited_s = self._clock() - self._started_at
        if waited_s > (PATIENCE_S if self.status >= 500 else LAST_CALL_S):
            raise GaveUpError
        allowed = min(timeout or REQUEST_S, REQUEST_S)
        sent_at = self._skew.clock()
        google = is_google(url)
        self.asked_google |= google
        send, proxies = self._way if google else self._way_inside
        try:
            answer = send(url, method, body, headers, allowed, proxies=proxies, **kwargs)
        except TransportError as error:
            if self._clock() - self._started_at > PATIENCE_S:
                raise GaveUpError from error
            raise
        self.answered += 1
        self.status = answer.status
        self.pause_s = _pause_s(answer.headers)
        if google or self._direct:
            self._skew.heard(answer.headers.get("date"), sent_at=sent_at)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._give_way(answer.data)
        return answer

    def _give_way(self, data: bytes) -> None:
        """google-auth would ask up to four times more, seconds apart, whatever Retry-After says:
        once is enough for a moment's crowd, and whoever wants the token waits for longer."""
        self._refusals += 1
        if self._refusals > 1 or self.pause_s:
            raise GaveUpError(_said(data))

    def __deepcopy__(self, memo: object) -> NoReturn:
        """Keeps google-auth from starting a thread that looks up the account's allowed locations.

        It would send a request that nobody asked for, in the background, and take our session.
        """
        raise TypeError("a request is for one mint only")

    def close(self) -> None:
        for session in self._sessions:
            session.close()


def _said(data: bytes) -> Any:
    """JSON as what it means, all else as text."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode("utf-8", "replace")


def _pause_s(fields: Mapping[str, str]) -> float:
    """What `Retry-After` says, in seconds or as a date; 0 for nothing that can be read."""
    told = fields.get("retry-after", "")
    if told.isascii() and told.isdigit():
        return float(told[:9])
    from email.utils import parsedate_to_datetime

    try:
        until, sent = parsedate_to_datetime(told), parsedate_to_datetime(fields.get("date", ""))
        return max((until - sent).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return 0.0


def quiet_google_loggers() -> None:
    """At DEBUG they write assertions and tokens in clear, so they are never below INFO.

    Where nobody chose a level they are silent: what they say is in our own errors, in one line.
    """
    base = logging.getLogger("google")
    if base.level == logging.NOTSET:
        base.setLevel(logging.CRITICAL)
    for name in ["google", *logging.root.manager.loggerDict]:
        logger = logging.getLogger(name)
        if name.split(".")[0] == "google" and logging.NOTSET < logger.level < logging.INFO:
            logger.setLevel(logging.INFO)


def switch_off_bound_tokens() -> None:
    """A token that is bound to a certificate cannot be sent over our own TLS.

    google-auth looks for that certificate before it asks the metadata server for an access token,
    for up to 30 seconds, and no argument keeps it from that.
    """
    os.environ.setdefault("GOOGLE_API_ENABLE_RUNTIME_BOUND_TOKEN", "false")
