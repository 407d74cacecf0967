"""Decisions about requests that another proxy passes on: by the same rules as our own data path."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from authproxy.authorizer import answers
from authproxy.errors import AuthProxyError, Refused
from authproxy.exchange import Exchange, Field, RequestHead, Token, read_fields
from authproxy.policy.access.networks import Address, parse_peer
from authproxy.policy.messages.facts import RequestFacts, read_request
from authproxy.policy.messages.headers import HOP_BY_HOP
from authproxy.wire import refusals
from authproxy.wire.admission.admission import Admission, NotAdmitted
from authproxy.wire.admission.admit import admit
from authproxy.wire.admission.caller import Caller
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.recorder import Recorder

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The request may pass. Holds secrets: not in the repr."""

    service: str
    origin: str
    """Where to: `scheme://host[:port]`."""
    authority: str
    """The `Host` to send."""
    target: bytes
    """As it is to be sent."""
    principal: str
    key: str
    request_id: str
    fields: tuple[Field, ...]
    """To put on the request, in place of what it has under these names."""
    removed: tuple[bytes, ...]
    """Names of the client's fields that must not pass."""
    cors: tuple[Field, ...]
    """To put on the answer, for a page of an allowed origin."""

    def __repr__(self) -> str:
        return f"<Granted {self.service} [{self.request_id}]>"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerForm(Generic[Answer]):
    """Way in which a proxy asks, and is answered."""

    read: Callable[[], RequestHead]
    """The request that it asks about. Raises AuthProxyError."""
    grant: Callable[[Granted, RequestHead], Answer]
    refuse: Callable[[AuthProxyError, RequestHead | None, str], Answer]
    """With the request, if it could be read, and its id."""
    is_obeyed: bool
    """The proxy takes away all that is `removed`."""


class Authorizer:
    """Decides by the rules of one listener, which may become others."""

    def __init__(
        self, rules: ListenerRules, recorder: Recorder, body_bytes: Callable[[], int]
    ) -> None:
        """`body_bytes`: the most, at this time, that a body may have that announces its length; 0:
        any number."""
        self._rules = rules
        self._recorder = recorder
        self._body_bytes = body_bytes

    def check_asker(self, transport: asyncio.BaseTransport) -> None:
        """Raises Refused for who is no trusted proxy: its word about its clients counts nothing."""
        refusal = self.find_refusal(parse_peer(transport.get_extra_info("peername")))
        if refusal is not None:
            raise refusal

    def find_refusal(self, peer: Address | None) -> Refused | None:
        """The same for somebody who has asked nothing yet."""
        if peer is not None and peer in self._rules.trusted:
            return None
        return refusals.address(f"{peer} asks the authorizer, and is not in trusted_proxies")

    def is_ours(self, name: str) -> bool:
        """Whether it is a name that we answer for."""
        try:
            self._rules.routes.get(name, None)
        except Refused:
            return False
        return True

    async def answer(self, transport: asyncio.Transport, form: AnswerForm[Answer]) -> Answer:
        """The answer for the proxy at the other end of `transport`; whatever fails is a no.

        Raises ConnectionError when nobody waits for it any more.
        """
        head, request_id = None, "none"
        try:
            self.check_asker(transport)
            head = form.read()
            granted = await self.decide(head, transport, is_obeyed=form.is_obeyed)
            return form.grant(granted, head)
        except Denied as denied:
            error, request_id = denied.error, denied.request_id
        except AuthProxyError as refusal:
            logger.warning("authorizer: %s", refusal.detail or refusal)
            error = refusal
        except ConnectionError:
            raise
        except Exception:
            logger.exception("the authorizer failed")
            error = answers.failed()
        return form.refuse(error, head, request_id)

    async def decide(
        self, head: RequestHead, transport: asyncio.Transport, *, is_obeyed: bool = True
    ) -> Granted:
        """May `head` pass, which the proxy at the other end of `transport` has received?

        `is_obeyed`: the proxy takes away all that is `removed`.

        Raises AuthProxyError, with a status that is never a good one; the request's id is in its
        `request_id`.
        """
        exchange = self._recorder.begin(None, head)
        try:
            return await self._grant(exchange, head, transport, is_obeyed)
        except AuthProxyError as error:
            refusal = answers.as_refusal(error)
            self._recorder.refused(exchange, refusal)
            raise Denied(refusal, exchange.request_id) from None
        except BaseException:
            self._recorder.left(exchange, "client")
            raise
        finally:
            self._recorder.ended(exchange, 0, 0)

    async def _grant(
        self, exchange: Exchange, head: RequestHead, transport: asyncio.Transport, is_obeyed: bool
    ) -> Granted:
        self.check_asker(transport)
        facts, caller = read_request(head), Caller(transport, self._rules)
        try:
            admission = admit(caller, head, facts, self._body_bytes())
        except NotAdmitted as error:
            self._recorder.not_admitted(exchange, error.address, error.host)
            raise error.refusal from None
        self._recorder.admitted(
            exchange, admission.service.name, admission.address, admission.host, admission.key
        )
        if not is_obeyed:
            _check_overrides(facts, admission)
        token = admission.tokens.current()
        if token is None:
            token = await admission.tokens.get()
            self._recorder.token_came(exchange)
            admission = caller.settled(admission)
            lost = caller.find_loss(admission)
            if lost is not None:
                raise lost
        self._recorder.has_token(exchange, token.principal)
        self._recorder.answered(exchange, 200)
        return _granted(exchange, head, facts, admission, token)

    def __repr__(self) -> str:
        return f"<Authorizer [{self._rules}]>"


class Denied(Exception):  # noqa: N818 -- an answer to a question, not a fault
    """The request may not pass."""

    def __init__(self, error: AuthProxyError, request_id: str) -> None:
        super().__init__(error.message)
        self.error = error
        self.request_id = request_id


def _check_overrides(facts: RequestFacts, admission: Admission) -> None:
    """Raises Refused for what our own data path would take away: here it gets to the service."""
    key = admission.credential
    for rules in (admission.service.permissions, key.permissions if key is not None else None):
        if rules is not None:
            rules.check_overrides(facts.overrides)


_BETWEEN_CLIENT_AND_PROXY = HOP_BY_HOP - {b"proxy-authenticate", b"proxy-authorization"}
"""What is for one hop alone is not ours to take away, but for a password that Envoy passes on."""


def _granted(
    exchange: Exchange, head: RequestHead, facts: RequestFacts, admission: Admission, token: Token
) -> Granted:
    service = admission.service
    lines = admission.forwarded + service.rules.extra + service.token_line(token, facts)
    fields = tuple(read_fields(lines))
    put_on = {name for name, _, _ in fields}
    drop = service.rules.drop - _BETWEEN_CLIENT_AND_PROXY
    dropped = {name for name, _, _ in head.headers if name in drop}
    return Granted(
        service=service.name,
        origin=service.root,
        authority=service.rules.authority.decode(),
        target=admission.target,
        principal=token.principal,
        key=admission.key,
        request_id=exchange.request_id,
        fields=fields,
        removed=tuple(sorted(dropped - put_on)),
        cors=tuple(read_fields(admission.cors)),
    )
