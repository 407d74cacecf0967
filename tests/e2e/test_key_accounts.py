"""Keys that act as service accounts: whatever comes in whatever order, no request goes out with a
token of another key's account.

The service sees the client's key beside the token, and so can say of each request whether the two
belong together. Tokens come from the real cache: time passes in leaps, so that they are renewed
ahead, end, and are waited for, and the service turns some of them down.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from authproxy.errors import CredentialError
from authproxy.exchange import Secret, Token
from authproxy.identity.token_cache.cache import TokenCache
from authproxy.policy.access.inbound_keys import InboundKey, KeyRing, digest_of
from authproxy.tasks import Tasks
from authproxy.wire.http2.framing.frames import DATA, END_STREAM, HEADERS
from tests.support.clock import FakeClock
from tests.support.http2 import Call as Http2Call
from tests.support.http2 import Client, call_of, http2_service
from tests.support.proxying import RunningProxy, proxying
from tests.support.raw import Call, raw_service
from tests.support.source import until

AUDIENCE = "https://service.example"
OWN, ONE, TWO, BROKEN = "", "one@p.example", "two@p.example", "broken@p.example"
KEYS = {"plain": OWN, "first": ONE, "second": TWO, "third": TWO, "broken": BROKEN}
"""By name, and as whom each acts at first. Two share an account; of one no token can be had."""
WRONG = (
    b'WWW-Authenticate: Bearer error="invalid_token" error_description="The access token could not'
    b' be verified"\r\n'
)
ROUNDS = 25


class Minting:
    """Mints tokens that say whose they are."""

    def __init__(self, account: str, clock: Callable[[], float]) -> None:
        self.name = f"as {account or 'itself'}"
        self._account = account
        self._clock = clock
        self._count = 0

    def mint(self, audience: str, /) -> Token:
        if self._account == BROKEN:
            raise CredentialError("broken@p.example cannot be impersonated.", hint="Add the role.")
        self._count += 1
        return Token(
            value=Secret(f"eyJ.{self._account or 'own'}.{self._count}"),
            expires_at=self._clock() + 3600,
            audience=audience,
            principal=self._account or "own@p.example",
            source=self.name,
            issued_at=self._clock(),
        )


@dataclass
class Setup:
    """A proxy with keys, and all that a service behind it has seen."""

    proxy: RunningProxy
    clock: FakeClock
    rng: random.Random
    accounts: dict[str, list[str]] = field(
        default_factory=lambda: {name: [account] for name, account in KEYS.items()}
    )
    """As whom each key acts: the last counts, and those before did once."""
    seen: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def use_keys(self) -> None:
        """As the step from one configuration to the next does it."""
        self.proxy.listener.keys = KeyRing(
            {
                digest_of(name): InboundKey(name=name, account=accounts[-1], digest=digest_of(name))
                for name, accounts in self.accounts.items()
            }
        )
        self.proxy.listener.version += 1

    def changes(self) -> None:
        """A reload, in which one key acts as another account."""
        self.change(self.rng.choice(["first", "second", "plain"]), self.rng.choice([OWN, ONE, TWO]))

    def change(self, name: str, account: str) -> None:
        self.accounts[name].append(account)
        self.use_keys()
        for connection in list(self.proxy.server.connections):
            connection.recheck()

    def began(self, name: str) -> int:
        """A request with this key begins: which of its accounts may be seen from now on."""
        return len(self.accounts[name]) - 1 if name else 0

    def judge(self, name: str, said: bytes, since: int) -> None:
        """`said`: by the service, which token it got; or by authproxy, why it got none."""
        if said == b"401 key_required":
            good = not name
        elif said == b"401 google":
            good = bool(name)  # the service has seen which token it was
        elif said == b"503 token_unavailable":
            good = bool(name)  # of the others, too: a leap of time ends a token on its way
        elif said == b"403 key_not_allowed":
            good = (
                len(self.accounts[name]) - 1 > since
            )  # it was under way while its account changed
        else:
            who = said.removeprefix(b"eyJ.").rpartition(b".")[0].decode().replace("own", OWN)
            good = bool(name) and who in self.accounts[name][since:]
        self.seen[f"{name or 'nobody'}: {said.rpartition(b'.')[0].decode() or said.decode()}"] += 1
        if not good:
            self.faults.append(f"{name!r} since {since} of {self.accounts.get(name)}: {said!r}")

    def arrived(self, key: bytes | None, token: bytes | None) -> bytes:
        """At the service: what it answers."""
        if key is None or token is None or not token.startswith(b"Bearer eyJ."):
            self.faults.append(f"the service got {token!r} with the key {key!r}")
            return b"fault"
        who = token.removeprefix(b"Bearer eyJ.").rpartition(b".")[0].decode().replace("own", OWN)
        if who not in self.accounts[key.decode()]:
            self.faults.append(f"the service got {token!r} with the key {key!r}")
        return token.removeprefix(b"Bearer ")

    def any_key(self) -> str:
        """No key at all, now and then."""
        return self.rng.choice(["", *KEYS, *KEYS])


@asynccontextmanager
async def keyed(
    url: str, seed: int, *, made: Callable[[Setup], None] = lambda _: None
) -> AsyncIterator[Setup]:
    clock = FakeClock()
    cache = TokenCache(clock=clock, steady=clock.steady, call_later=clock.call_later)
    sources = {account: Minting(account, clock) for account in (OWN, ONE, TWO, BROKEN)}
    async with proxying(url) as proxy:
        upstream = proxy.listener.routes.find_service("service")
        assert upstream is not None
        supplies = {who: cache.tokens_for(source, AUDIENCE) for who, source in sources.items()}
        upstream.own_tokens, upstream.supplies = supplies[OWN], supplies
        setup = Setup(proxy, clock, random.Random(seed))
        setup.use_keys()
        made(setup)
        try:
            yield setup
        finally:
            await cache.close()


def field_of(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b": ")
        if key.lower() == name:
            return value
    return None


# HTTP/1: kept alive, in pipelines, through tunnels.


def request(name: str, *, upgrades: bool = False) -> bytes:
    key = f"X-Api-Key: {name}\r\n" if name else ""
    upgrade = "Connection: upgrade\r\nUpgrade: x\r\n" if upgrades else ""
    return f"GET / HTTP/1.1\r\nHost: localhost\r\n{key}{upgrade}\r\n".encode()


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    """What `Setup.judge` reads: the body, or status and code of an answer of authproxy's own."""
    head = await reader.readuntil(b"\r\n\r\n")
    if head.startswith(b"HTTP/1.1 101"):
        return await reader.readuntil(b"!")
    if head.startswith(b"HTTP/1.1 401") and WRONG.strip() in head:
        return b"401 google"
    body = await reader.readexactly(int(field_of(head, b"content-length") or b"0"))
    code = field_of(head, b"x-authproxy-error")
    return body if code is None else head.split(b" ")[1] + b" " + code


async def http1_client(setup: Setup, pipelined: int) -> None:
    """Sends `pipelined` requests at once, each with a key of its own, again and again."""
    for _ in range(ROUNDS):
        reader, writer = await setup.proxy.connect()
        try:
            for _ in range(setup.rng.randrange(1, 5)):
                names = [setup.any_key() for _ in range(pipelined)]
                since = [setup.began(name) for name in names]
                writer.write(b"".join(map(request, names)))
                for name, index in zip(names, since, strict=True):
                    setup.judge(name, await read_answer(reader), index)
                await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # its key's account changed while it was under way
        finally:
            writer.close()


async def tunnel_client(setup: Setup) -> None:
    for _ in range(ROUNDS):
        name = setup.any_key()
        since = setup.began(name)
        reader, writer = await setup.proxy.connect()
        writer.write(request(name, upgrades=True))
        try:
            setup.judge(name, (await read_answer(reader)).removesuffix(b"!"), since)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def chaos(setup: Setup, is_over: asyncio.Event) -> None:
    """Time passes in leaps, and keys act as others."""
    while not is_over.is_set():
        deed = setup.rng.randrange(4)
        if deed == 0:
            setup.clock.advance(setup.rng.choice([1.0, 60.0, 3400.0, 4000.0]))
        elif deed == 1:
            setup.changes()
        await asyncio.sleep(setup.rng.random() / 200)


@pytest.mark.parametrize("seed", range(3))
async def test_over_http1_a_token_goes_out_only_with_its_own_key(seed: int) -> None:
    at_service: list[Setup] = []

    async def serve(call: Call) -> None:
        (setup,) = at_service
        while head := await call.read_head():
            token = setup.arrived(field_of(head, b"x-api-key"), field_of(head, b"authorization"))
            if field_of(head, b"upgrade"):
                await call.say(b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
                await call.say(token + b"!")
                return
            if setup.rng.random() < 0.1:
                await call.say(b"HTTP/1.1 401 No\r\n%bContent-Length: 0\r\n\r\n" % WRONG)
            else:
                size = len(token)
                await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, token))

    async with raw_service(serve) as service, keyed(service.url, seed, made=at_service.append) as s:
        await play(
            s, [http1_client(s, 1), http1_client(s, 1), http1_client(s, 3), tunnel_client(s)]
        )


SCALING = (
    b"HTTP/1.1 503 None yet\r\nServer: Google Frontend\r\nContent-Type: text/html\r\n"
    b"Content-Length: 0\r\n\r\n"
)
REJECTED = b"HTTP/1.1 401 No\r\n%bContent-Length: 0\r\n\r\n" % WRONG


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param(REJECTED, [b"eyJ.one@p.example.1", b"eyJ.one@p.example.2"], id="with another"),
        pytest.param(SCALING, [b"eyJ.one@p.example.1"] * 2, id="with the same"),
    ],
)
async def test_what_is_sent_again_goes_as_the_same_account(first: bytes, then: list[bytes]) -> None:
    at_service: list[Setup] = []
    got: list[bytes] = []

    async def serve(call: Call) -> None:
        (setup,) = at_service
        while head := await call.read_head():
            token = setup.arrived(field_of(head, b"x-api-key"), field_of(head, b"authorization"))
            got.append(token)
            size = len(token)
            answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, token)
            await call.say(first if token not in got[:-1] and len(got) == 3 else answer)

    async with raw_service(serve) as service, keyed(service.url, 0, made=at_service.append) as s:
        reader, writer = await s.proxy.connect()
        for name in ("plain", "second", "first", "plain", "second", "first"):
            writer.write(request(name))
            s.judge(name, await read_answer(reader), 0)
        writer.close()

    assert [] == s.faults
    others = [b"eyJ.own.1", b"eyJ.two@p.example.1"]
    assert [*others, *then, *others, then[-1]] == got


# HTTP/2: many calls on one connection, each with a key of its own.


async def http2_client(setup: Setup) -> None:
    for _ in range(ROUNDS):
        reader, writer = await setup.proxy.connect()
        client = Client(reader, writer)
        client.greet()
        try:
            for turn in range(setup.rng.randrange(1, 4)):
                await _calls(setup, client, 1 + 16 * turn)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()


async def _calls(setup: Setup, client: Client, first: int) -> None:
    open_calls: dict[int, tuple[str, int]] = {}
    for stream_id in range(first, first + 2 * setup.rng.randrange(1, 7), 2):
        name = setup.any_key()
        key = [(b"x-api-key", name.encode())] if name else []
        open_calls[stream_id] = name, setup.began(name)
        client.say(client.headers(stream_id, call_of(*key)))
    answers = await read_calls(client, set(open_calls))
    for stream_id, said in answers.items():
        name, since = open_calls[stream_id]
        setup.judge(name, said, since)


async def read_calls(client: Client, wanted: set[int]) -> dict[int, bytes]:
    """What each of these calls came to, as `Setup.judge` reads it."""
    fields: dict[int, dict[bytes, bytes]] = {}
    bodies: dict[int, bytes] = {}
    open_ones = set(wanted)
    while open_ones:
        found = await client.next_frame()
        if found.kind == HEADERS:
            decoded = client.decoder.decode(found.payload, raw=True)
            fields[found.stream_id] = {bytes(name): bytes(value) for name, value in decoded}
        elif found.kind == DATA:
            bodies[found.stream_id] = bodies.get(found.stream_id, b"") + found.payload
        if found.kind in (HEADERS, DATA) and found.flags & END_STREAM:
            open_ones.discard(found.stream_id)
    told = {}
    for stream_id in wanted:
        status, code = (fields[stream_id].get(n, b"") for n in (b":status", b"x-authproxy-error"))
        body = bodies.get(stream_id, b"")
        told[stream_id] = body if status == b"200" else b"%b %b" % (status, code or b"google")
    return told


@pytest.mark.parametrize("seed", range(3))
async def test_over_http2_a_token_goes_out_only_with_its_own_key(seed: int) -> None:
    at_service: list[Setup] = []

    async def serve(call: Http2Call) -> None:
        (setup,) = at_service
        await call.ended.wait()
        token = setup.arrived(call.get(b"x-api-key"), call.get(b"authorization"))
        if call.reset is not None:
            return
        if setup.rng.random() < 0.1:
            name, _, value = WRONG.strip().partition(b": ")
            call.answer(b"", (name.lower(), value), status=b"401")
        else:
            call.answer(token)

    async with (
        http2_service(serve) as service,
        keyed(service.url, seed, made=at_service.append) as s,
    ):
        await play(s, [http2_client(s) for _ in range(3)])


async def test_over_http2_the_next_call_of_that_account_alone_has_another_token() -> None:
    at_service: list[Setup] = []
    got: list[bytes] = []

    async def serve(call: Http2Call) -> None:
        (setup,) = at_service
        await call.ended.wait()
        got.append(setup.arrived(call.get(b"x-api-key"), call.get(b"authorization")))
        if len(got) == 3:
            name, _, value = WRONG.strip().partition(b": ")
            call.answer(b"", (name.lower(), value), status=b"401")
        else:
            call.answer(got[-1])

    async with http2_service(serve) as service, keyed(service.url, 0, made=at_service.append) as s:
        reader, writer = await s.proxy.connect()
        client = Client(reader, writer)
        client.greet()
        for number, name in enumerate(["plain", "second", "first", "plain", "second", "first"]):
            stream_id = 2 * number + 1
            client.call(stream_id, (b"x-api-key", name.encode()))
            s.judge(name, (await read_calls(client, {stream_id}))[stream_id], 0)
        writer.transport.abort()

    assert [] == s.faults
    own, two, one = b"eyJ.own.1", b"eyJ.two@p.example.1", b"eyJ.one@p.example."
    assert [own, two, one + b"1", own, two, one + b"2"] == got


async def test_what_is_under_way_as_another_account_ends_at_once() -> None:
    """A request that waits for its answer, a tunnel, and a call; those of another key go on."""
    silent = asyncio.Event()

    async def serve(call: Call) -> None:
        while head := await call.read_head():
            if field_of(head, b"upgrade"):
                await call.say(b"HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n!")
            await silent.wait()
            await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\neyJ.!")

    async with raw_service(serve) as service, keyed(service.url, 0) as s:
        clients, writers = {}, []
        for name in ("first", "second"):
            for upgrades in (False, True):
                reader, writer = await s.proxy.connect()
                writer.write(request(name, upgrades=upgrades))
                writers.append(writer)
                clients[name, upgrades] = reader
                if upgrades:
                    assert b"!" == (await read_answer(reader))
        await until(lambda: len(service.heads) == 4)
        s.change("first", TWO)

        async with asyncio.timeout(10):
            assert b"403 key_not_allowed" == await read_answer(clients["first", False])
            with suppress(ConnectionError):
                assert b"" == await clients["first", True].read()
            silent.set()
            assert b"eyJ.!" == await read_answer(clients["second", False])
            assert b"HTTP/1.1 200 OK" == await clients["second", True].readexactly(15)
        for writer in writers:
            writer.close()


async def test_a_call_under_way_as_another_account_ends_at_once() -> None:
    came, silent = asyncio.Event(), asyncio.Event()

    async def serve(call: Http2Call) -> None:
        came.set()
        await silent.wait()

    async with http2_service(serve) as service, keyed(service.url, 0) as s:
        reader, writer = await s.proxy.connect()
        client = Client(reader, writer)
        client.greet()
        client.call(1, (b"x-api-key", b"first"))
        async with asyncio.timeout(10):
            await came.wait()
            s.change("first", OWN)
            assert {1: b"403 key_not_allowed"} == await read_calls(client, {1})
        writer.transport.abort()


async def play(setup: Setup, clients: Sequence[Coroutine[None, None, None]]) -> None:
    """All at once, until the last client has done all; then see what was seen."""
    is_over, tasks = asyncio.Event(), Tasks()
    tasks.spawn(chaos(setup, is_over), name="chaos")
    async with asyncio.timeout(60):
        await asyncio.gather(*clients)
    is_over.set()
    await tasks.cancel()

    assert [] == setup.faults
    for account in ("own", ONE, TWO):
        assert any(f"eyJ.{account}" in said for said in setup.seen), setup.seen
    for said in ("nobody: 401 key_required", "broken: 503 token_unavailable"):
        assert setup.seen[said], setup.seen
