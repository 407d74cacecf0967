"""Questions by HTTP and their answers: for nginx's auth_request, Caddy's forward_auth, Traefik's.

A yes is a 200 whose fields are to be put on the request; every other answer is a no. Which fields
the proxy takes from the answer, and under which names, its configuration says: docs/authorizer.md.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence

from aiohttp import hdrs, web

from authproxy.admin.listener import BoundedConnection
from authproxy.authorizer.answers import refusal_answer
from authproxy.authorizer.decisions import AnswerForm, Authorizer, Granted
from authproxy.authorizer.questions import check_name, read_question
from authproxy.errors import AuthProxyError, Code, Refused
from authproxy.exchange import Field, RequestHead, make_field
from authproxy.policy.access.networks import parse_peer
from authproxy.tasks import Tasks
from authproxy.wire.listening.acceptor import Acceptor
from authproxy.wire.listening.room import Room
from authproxy.wire.rare_warnings import Seldom

logger = logging.getLogger(__name__)

AUTHORIZATION = "Authorization"
IDLE_S = 75.0
"""How long a proxy keeps a connection for its next question; longer than any proxy does."""
LAST_WORDS_S = 1.0
"""For what is being answered when authproxy ends."""
MAX_FIELDS = 256
STRANGERS, STRANGERS_IDLE_S = 16, 5.0
"""Connections at once of all who may not ask, who are told so; those of trusted proxies have no
bound."""


class HttpForm:
    """Answers questions until it is closed."""

    def __init__(
        self,
        authorizer: Authorizer,
        *,
        target_bytes: int,
        head_bytes: int,
        strangers_idle_s: float = STRANGERS_IDLE_S,
    ) -> None:
        """Most bytes of a target, and of a head with all of its fields."""
        self._strangers_idle_s = strangers_idle_s
        self._authorizer = authorizer
        self._most = target_bytes + head_bytes
        self._server = web.Server(self._answer)
        self._acceptors: list[Acceptor] = []
        self._arrivals = Tasks()
        self._room = Room(lambda: 0, lambda: None)
        self._strangers = 0
        self._too_many = Seldom()

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Take what comes to `sockets`, which are its own from now on."""
        self._acceptors = [Acceptor(sock, self._take, self._room) for sock in sockets]
        for acceptor in self._acceptors:
            acceptor.go_on()

    async def close(self) -> None:
        for acceptor in self._acceptors:
            acceptor.close()
        await self._arrivals.settle(LAST_WORDS_S)
        await self._arrivals.cancel()
        await self._server.shutdown(LAST_WORDS_S)

    def _take(self, sock: socket.socket, peername: object) -> None:
        self._room.arrived()
        refusal = self._authorizer.find_refusal(parse_peer(peername))
        if refusal is not None and self._strangers >= STRANGERS:
            self._too_many.warn(f"authorizer: too many connections: {refusal.detail}")
            sock.close()
            return
        self._strangers += refusal is not None
        idle_s = IDLE_S if refusal is None else self._strangers_idle_s
        served = self._serve(sock, idle_s, is_stranger=refusal is not None)
        self._arrivals.spawn(served, name="connection to the authorizer")

    async def _serve(self, sock: socket.socket, idle_s: float, *, is_stranger: bool) -> None:
        def closed() -> None:
            self._strangers -= is_stranger

        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: _Connection(self._server, closed, idle_s, self._most), sock
            )
        except BaseException:
            sock.close()
            closed()
            raise

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the proxy has gone")
        fields = [make_field(name, value) for name, value in request.raw_headers]

        def read() -> RequestHead:
            check_name(fields, self._authorizer.is_ours)
            _check_authorization(fields)
            return read_question(fields)

        form = AnswerForm(read=read, grant=granted_answer, refuse=_refused, is_obeyed=False)
        return await self._authorizer.answer(transport, form)

    def __repr__(self) -> str:
        return f"<HttpForm [{self._authorizer}]>"


class _Connection(BoundedConnection):
    """Connection of a proxy, with bounds."""

    __slots__ = ()

    def __init__(
        self, server: web.Server, closed: Callable[[], None], idle_s: float, most: int
    ) -> None:
        """`idle_s`: for a question's head to come; `most`: bytes of a line."""
        super().__init__(
            server,
            closed,
            idle_s=idle_s,
            line_bytes=most,
            fields=MAX_FIELDS,
            logger=logger,
        )

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What is no HTTP: aiohttp would repeat it in the log, keys and tokens among it."""
        logger.warning("authorizer: %s has sent what is no HTTP request", request.remote)
        answer = web.Response(status=status, text="This is no question that can be answered.\n")
        answer.force_close()
        return answer


def granted_answer(granted: Granted, head: RequestHead) -> web.Response:
    """The fields to put on, and for the proxy's configuration and log what was decided.

    Authorization is there in any case where the service is to get one: the token, or the client's
    own where the token has another field.
    """
    answer = [_text(field) for field in (*granted.fields, *granted.cors)]
    has_own = b"authorization" not in granted.removed
    if has_own and all(name.lower() != b"authorization" for name, _, _ in granted.fields):
        answer += [_text(field) for field in head.headers if field[0] == b"authorization"]
    answer += [
        ("X-Authproxy-Service", granted.service),
        ("X-Authproxy-Upstream", granted.origin),
        ("X-Authproxy-Host", granted.authority),
        ("X-Authproxy-Target", _ascii(granted.target)),
        ("X-Authproxy-Principal", granted.principal),
        ("X-Authproxy-Request-Id", granted.request_id),
        (hdrs.CACHE_CONTROL, "no-store"),
    ]
    if granted.key:
        answer.append(("X-Authproxy-Key", granted.key))
    return web.Response(status=200, headers=answer)


def _check_authorization(fields: Sequence[Field]) -> None:
    """Raises Refused for one that the answer could not have back as it came: aiohttp writes fields
    as UTF-8 and nothing else."""
    for name, value, _ in fields:
        if name == b"authorization" and value.decode("utf-8", "replace").encode() != value:
            raise Refused(
                "The request's Authorization is not in UTF-8.",
                code=Code.BAD_REQUEST,
                hint="User names and passwords with other signs than ASCII's are sent as UTF-8.",
                detail="a question to the authorizer: Authorization is not in UTF-8",
            )


def _ascii(target: bytes) -> str:
    """aiohttp would make two bytes of each that is none of ASCII."""
    return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in target)


def _text(field: Field) -> tuple[str, str]:
    name, value, line = field
    return line[: len(name)].decode("ascii"), value.decode("utf-8")


def _refused(error: AuthProxyError, head: RequestHead | None, request_id: str) -> web.Response:
    made = refusal_answer(error, head, request_id)
    answer = web.Response(
        status=made.status,
        headers=[each for each in made.lines if each[0] != hdrs.CONTENT_LENGTH],
        body=made.body,
    )
    if head is None:
        answer.force_close()  # whatever follows may be a body that nobody reads
    return answer
