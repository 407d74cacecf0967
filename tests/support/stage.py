"""A proxy between clients and services that a script plays, byte by byte, without a network.

Two services, `a.localhost` and `b.localhost`, each with a token of its own. Whatever clients and
services do to their connections is an `Act`; when the play is over all have left. What happened
stays on the stage for `judge` to look at.

Every `@` that a client sends is replaced by the client's own mark, a letter that occurs nowhere
else; every `@` of a service by the mark of the client that it is serving. So bytes that end up with
the wrong client give themselves away.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from typing import cast

from authproxy.errors import CredentialError
from authproxy.exchange import Exchange
from authproxy.policy.access.networks import AccessList
from authproxy.policy.access.rate_limits import ConnectionCounter, WrongKeyCounter
from authproxy.policy.messages.headers import service_rules
from authproxy.policy.routes import Routes, Target
from authproxy.settings import LimitSettings, TimeoutSettings
from authproxy.values import LOOPBACK, parse_origin
from authproxy.wire.admission.caller import Caller
from authproxy.wire.admission.listener_rules import ListenerRules
from authproxy.wire.client.connection import ClientConnection
from authproxy.wire.listening.server import ProxyServer
from authproxy.wire.upstream.pool import Pool
from authproxy.wire.upstream.upstream import Upstream
from tests.support.hearing import Everything
from tests.support.proxying import FixedTokens, as_tokens, make_token
from tests.support.wires import Wire, WiredConnector

MARKS = (b"J", b"Q", b"Z")
"""One for each client."""
UNMARKED = bytes.maketrans(b"JQZ", b"jqz")
LIMITS = LimitSettings(head_bytes=1024, target_bytes=256, headers=16)
"""So narrow that scripts reach them. Of the second service there may be two connections."""
TIMEOUTS = TimeoutSettings()
AGES_S = 1e6
"""More than any timeout."""


class Do(Enum):
    CLIENT_SENDS = auto()
    CLIENT_ENDS = auto()
    CLIENT_RESETS = auto()
    CLIENT_STALLS = auto()
    CLIENT_READS = auto()
    SERVICE_SENDS = auto()
    SERVICE_ENDS = auto()
    SERVICE_RESETS = auto()
    SERVICE_STALLS = auto()
    SERVICE_READS = auto()
    CONNECTS_HANG = auto()
    CONNECTS_FAIL = auto()
    CONNECTS_GO = auto()
    TOKEN_GOES = auto()
    TOKEN_COMES = auto()
    TOKEN_FAILS = auto()
    TOKEN_CHANGES = auto()
    TIME_PASSES = auto()
    TURN = auto()
    DRAIN = auto()


@dataclass(frozen=True, slots=True)
class Act:
    do: Do
    who: int = 0
    """Which client, service or connection to a service; any number means one that is there."""
    data: bytes = b""
    """What is said; for TIME_PASSES its length, in seconds."""


@dataclass(slots=True)
class Service:
    name: str
    token_header: str
    key: str | None
    tokens: FixedTokens
    wires: list[Wire] = field(default_factory=list)

    @property
    def authority(self) -> bytes:
        return f"{self.name}.example".encode()

    def token(self, number: int) -> str:
        return f"secret-of-{self.name}-{number}"

    @property
    def secret(self) -> bytes:
        return f"secret-of-{self.name}-".encode()


class Complaints(logging.Handler):
    """Whatever is logged as an error, and whatever a callback raised."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))

    def from_loop(self, _: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        self.texts.append(repr(context))


class Stage:
    """Built inside the loop; `play` does the acts one by one, and then clears the stage."""

    def __init__(self) -> None:
        self.began: list[Exchange] = []
        self.ended: list[Exchange] = []
        self.heard = Everything()
        self.services = [
            Service("a", "auto", "key-of-a", FixedTokens()),
            Service("b", "X-Token", None, FixedTokens()),
        ]
        self.clients: list[Wire] = []
        """Every connection that a client opened; the last three are those of the acts."""
        self._slots: dict[int, Wire] = {}
        self._connects: asyncio.Future[bool] | None = None
        self._refuse_connects = False
        pools = [self._pool(service) for service in self.services]
        targets = {
            service.name: Target(service=self._upstream(service, pool))
            for service, pool in zip(self.services, pools, strict=True)
        }
        self._rules = ListenerRules(
            routes=Routes(targets), access=AccessList(allow=LOOPBACK), wrong_keys=WrongKeyCounter()
        )
        self.server = ProxyServer(
            observers=[self, self.heard],
            limits=LIMITS,
            timeouts=TIMEOUTS,
            pools=pools,
            counts=ConnectionCounter(LIMITS.connections, LIMITS.connections_per_client),
        )
        for who in range(len(self.services)):
            self._token_comes(who, b"")

    def _pool(self, service: Service) -> Pool:
        origin = parse_origin(f"http://{service.name}.example")
        connector = WiredConnector(origin=origin, timeout_s=60, contexts=None, wire=self._connect)
        connections = 1 if service.name == "a" else 2
        limits = LIMITS.model_copy(update={"connections_per_service": connections})
        return Pool(connector, limits=limits, timeouts=TIMEOUTS)

    def _upstream(self, service: Service, pool: Pool) -> Upstream:
        rules = service_rules(
            authority=pool.origin.authority,
            token_header=service.token_header,
            secrets=[("X-Api-Key", service.key)] if service.key else [],
        )
        return Upstream(service.name, pool.origin, rules, as_tokens(service.tokens), pool, None)

    def exchange_begun(self, exchange: Exchange) -> None:
        self.began.append(exchange)

    def exchange_ended(self, exchange: Exchange) -> None:
        self.ended.append(exchange)

    async def play(self, acts: Sequence[Act]) -> None:
        for act in acts:
            await self.do(act)
        await self._clear()

    async def do(self, act: Act) -> None:
        """One of them, and a turn of the loop."""
        _DEEDS[act.do](self, act.who, act.data)
        await turn(6 if act.do is Do.TURN else 1)

    async def _clear(self) -> None:
        """Time alone must end everything, though nobody leaves; then the proxy shuts down."""
        self._connects_fail(0, b"")
        for wire in self.wires:
            wire.flow()
        await turn(6)
        for _ in range(len(self.began) + 12):
            self.server.tick(AGES_S)
            for wire in self.wires:
                wire.flow()
            await turn(6)
        self.left_open = [wire for wire in self.clients if not wire.is_lost]
        self.unended = [exchange for exchange in self.began if exchange not in self.ended]
        await self.server.shutdown(0)
        await turn(6)

    @property
    def wires(self) -> list[Wire]:
        return [*self.clients, *self.service_wires]

    @property
    def service_wires(self) -> list[Wire]:
        return [wire for service in self.services for wire in service.wires]

    # The clients' deeds.

    def _accept(self) -> ClientConnection:
        return ClientConnection(self.server, partial(Caller, rules=self._rules))

    def _client(self, who: int) -> Wire:
        slot = who % len(MARKS)
        wire = self._slots.get(slot)
        if wire is None or wire.is_lost:
            high, low = divmod(len(self.clients) + 1, 256)
            wire = self._slots[slot] = Wire(self._accept(), f"127.0.{high}.{low}")
            wire.spell = _speller(lambda: MARKS[slot])
            self.clients.append(wire)
        return wire

    def _client_sends(self, who: int, data: bytes) -> None:
        self._client(who).deliver(data)

    def _client_ends(self, who: int, _: bytes) -> None:
        self._client(who).end()

    def _client_resets(self, who: int, _: bytes) -> None:
        self._client(who).reset_by_peer()

    def _client_stalls(self, who: int, _: bytes) -> None:
        self._client(who).stall()

    def _client_reads(self, who: int, _: bytes) -> None:
        self._client(who).flow()

    # The services' deeds.

    def _wire(self, who: int) -> Wire | None:
        there = [wire for wire in self.service_wires if not wire.is_lost]
        return there[who % len(there)] if there else None

    def _service_sends(self, who: int, data: bytes) -> None:
        if wire := self._wire(who):
            wire.deliver(data)

    def _service_ends(self, who: int, _: bytes) -> None:
        if wire := self._wire(who):
            wire.end()

    def _service_resets(self, who: int, _: bytes) -> None:
        if wire := self._wire(who):
            wire.reset_by_peer()

    def _service_stalls(self, who: int, _: bytes) -> None:
        if wire := self._wire(who):
            wire.stall()

    def _service_reads(self, who: int, _: bytes) -> None:
        if wire := self._wire(who):
            wire.flow()

    async def _connect(
        self, host: str, _: int, factory: Callable[[], asyncio.BaseProtocol]
    ) -> Wire:
        if self._connects is not None:
            await self._connects
        if self._refuse_connects:
            raise ConnectionRefusedError(111, "Connection refused")
        (service,) = (each for each in self.services if host == each.authority.decode())
        wire = Wire(cast(asyncio.Protocol, factory()), "203.0.113.1")
        wire.spell = _speller(lambda: self._mark_of_last(wire))
        service.wires.append(wire)
        return wire

    def _mark_of_last(self, wire: Wire) -> bytes:
        """The mark of the client whose request was the last on `wire`."""
        _, _, behind = bytes(wire.sent).rpartition(b"\r\nX-Forwarded-For: ")
        peer = behind.partition(b"\r\n")[0].decode("latin-1")
        return next((each.spell(b"@") for each in self.clients if each.peer == peer), b"@")

    def _connects_hang(self, _: int, __: bytes) -> None:
        if self._connects is None:
            self._connects = asyncio.get_running_loop().create_future()

    def _connects_fail(self, _: int, __: bytes) -> None:
        self._release(refuse=True)

    def _connects_go(self, _: int, __: bytes) -> None:
        self._release(refuse=False)

    def _release(self, *, refuse: bool) -> None:
        self._refuse_connects = refuse
        if self._connects is not None:
            self._connects.set_result(True)
            self._connects = None

    # Tokens, time and the end.

    def _tokens(self, who: int) -> FixedTokens:
        return self.services[who % len(self.services)].tokens

    def _token_goes(self, who: int, _: bytes) -> None:
        self._tokens(who).token = None
        self._tokens(who).arrives = asyncio.get_running_loop().create_future()

    def _token_comes(self, who: int, _: bytes) -> None:
        service = self.services[who % len(self.services)]
        token = make_token(service.token(1))
        if service.tokens.token is None and not service.tokens.arrives.done():
            service.tokens.arrives.set_result(token)
        service.tokens.token = token

    def _token_fails(self, who: int, _: bytes) -> None:
        arrives = self._tokens(who).arrives
        if not arrives.done():
            arrives.set_exception(CredentialError("No token could be had."))
            arrives.exception()  # nobody may be waiting for it

    def _token_changes(self, who: int, _: bytes) -> None:
        """The next token that the service turns down is replaced."""
        self._tokens(who).replacement = make_token(self.services[who % 2].token(2))

    def _time_passes(self, _: int, data: bytes) -> None:
        self.server.tick(float(len(data)))

    def _turn(self, _: int, __: bytes) -> None:
        """Nothing but the loop's next rounds."""

    def _drain(self, _: int, __: bytes) -> None:
        self.server.drain()


_DEEDS: dict[Do, Callable[[Stage, int, bytes], None]] = {
    do: getattr(Stage, f"_{do.name.lower()}") for do in Do
}


def _speller(mark: Callable[[], bytes]) -> Callable[[bytes], bytes]:
    return lambda data: data.translate(UNMARKED).replace(b"@", mark())


async def turn(rounds: int) -> None:
    """Let the loop do what is due."""
    for _ in range(rounds):
        await asyncio.sleep(0)


def perform(acts: Sequence[Act], loop: asyncio.AbstractEventLoop) -> tuple[Stage, list[str]]:
    """Play `acts`; the stage as they leave it, and whatever was complained of."""
    complaints = Complaints()
    loop.set_exception_handler(complaints.from_loop)
    logger = logging.getLogger()
    logger.addHandler(complaints)

    async def run() -> Stage:
        stage = Stage()
        await stage.play(acts)
        return stage

    try:
        stage = loop.run_until_complete(run())
    finally:
        logger.removeHandler(complaints)
    return stage, complaints.texts
