"""Plays the trouble: every client at once, through `authproxy run` or through `authproxy mcp`."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from tests.mcp_table import stage as deeds
from tests.mcp_table.driver import HANGS, Driver, Said
from tests.mcp_table.kinds import ALL_CLIENTS, ALL_SERVERS, ClientKind, Place, ServerKind, Transport
from tests.mcp_table.stage import Deed, Stage, staging
from tests.support.program import Program

PATIENCE_S = 30.0
"""For one step. None is known to hang, so it may be long: a busy machine takes its time."""
AGAIN_S = 1.5
STILL_HERE = Said(ok=True, text="")


@dataclass(frozen=True, slots=True)
class Trouble:
    name: str
    begin: Deed = deeds.nothing
    end: Deed = deeds.mend
    advice: str = ""
    """What a person has to see to be helped."""
    at_start: bool = False
    passes_slowly: bool = False
    """A mint that began before the end of it may still fail: a person asks again, then."""


LOST = r"is lost|ended without|stream .*(ended|closed)|broke"
TROUBLES = [
    Trouble("works"),
    Trouble(
        "our refusal at start",
        deeds.no_token,
        deeds.mend_tokens,
        advice="no identity token",
        at_start=True,
        passes_slowly=True,
    ),
    Trouble(
        "our refusal",
        deeds.no_token,
        deeds.mend_tokens,
        advice="no identity token",
        passes_slowly=True,
    ),
    Trouble("Google's 401", deeds.not_believed, advice="token's audience|audience"),
    Trouble("Google's 403", deeds.no_invoker, advice="run.invoker"),
    Trouble("redirect to sign in", deeds.sign_in, advice="sign.in"),
    Trouble("service down", deeds.down, deeds.up, advice="cannot be reached"),
    Trouble("restart while listening", deeds.restart, deeds.nothing),
    Trouble("stream that dies", deeds.die, advice=LOST),
]

Row = tuple[str, str]
"""What it is about, and what came of it."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a client said before the trouble, in it, and after it."""

    before: Said
    shown: Said
    after: Said


Tell = Callable[[str, Played], None]
"""Hears what a row's client said."""


async def client_rows(place: Place, way: Transport, only: str, tell: Tell) -> list[Row]:
    """Of all clients, with the newest Python server."""
    rows: list[Row] = []
    kinds = [kind for kind in ALL_CLIENTS if way in kind.transports]
    server = next(each for each in ALL_SERVERS if each.name == "mcp 2.3")
    async with (
        staging(lambda port: server.command(place, "http", port)) as stage,
        AsyncExitStack() as stack,
    ):
        drivers = [Driver(kind.command(place, way), stage.environ_of_clients) for kind in kinds]
        for driver in drivers:
            await stack.enter_async_context(driver)
        await asyncio.gather(*(driver.start() for driver in drivers))
        for trouble in (each for each in TROUBLES if only in each.name):
            played = await _play(stage, trouble, way, place, kinds, drivers)
            name = "run" if way == "http" else "mcp"
            for kind, said in zip(kinds, played, strict=True):
                about = f"{trouble.name} | {name} | {kind.name}"
                rows.append((about, outcome(trouble, said)))
                tell(about, said)
    return rows


async def _play(
    stage: Stage,
    trouble: Trouble,
    way: Transport,
    place: Place,
    kinds: Sequence[ClientKind],
    drivers: Sequence[Driver],
) -> list[Played]:
    """What came of it with each client."""
    async with _way(stage, way) as given:
        words = [kind.words(place, given) for kind in kinds]
        if trouble.at_start:
            before = [STILL_HERE] * len(kinds)
            await trouble.begin(stage)
            shown = await _connect(drivers, words)
            await trouble.end(stage)
            await asyncio.gather(*(driver.close() for driver in drivers))
            connected = await _connect(drivers, words)
        else:
            connected = await _connect(drivers, words)
            before = await _call(drivers, connected)
            await trouble.begin(stage)
            shown = await _call(drivers, before)
            await trouble.end(stage)
            connected = [HANGS if said.is_hanging else STILL_HERE for said in shown]
        after = await _call(drivers, connected, tries=4 if trouble.passes_slowly else 1)
        await asyncio.gather(*(driver.close() for driver in drivers))
    return list(map(Played, before, shown, after))


@asynccontextmanager
async def _way(stage: Stage, way: Transport) -> AsyncIterator[list[str]]:
    """What a client is to connect to."""
    if way == "stdio":
        yield stage.bridge
        return
    listen = ("-l", "127.0.0.1:0", "--no-access-log")
    async with Program(stage.url, *stage.flags, *listen, environ=stage.environ) as proxy:
        yield [f"{proxy.url}{stage.path}"]


async def _connect(drivers: Sequence[Driver], words: Sequence[list[str]]) -> list[Said]:
    steps = (
        driver.do("connect", *each, patience_s=PATIENCE_S)
        for driver, each in zip(drivers, words, strict=True)
    )
    return list(await asyncio.gather(*steps))


async def _call(drivers: Sequence[Driver], before: Sequence[Said], tries: int = 1) -> list[Said]:
    """Those that are still there."""

    async def call(driver: Driver, said: Said) -> Said:
        for number in range(tries if said.ok else 0):
            await asyncio.sleep(AGAIN_S if number else 0)
            said = await driver.do("call", patience_s=PATIENCE_S)
            if said.ok or said.is_hanging:
                break
        return said

    return list(await asyncio.gather(*map(call, drivers, before)))


def outcome(trouble: Trouble, said: Played) -> str:
    """In a few words: what the client made of it, and whether it goes on."""
    shown, after = said.shown, said.after
    if not said.before.ok:
        first = "fails before"
    elif shown.is_hanging:
        first = "hangs"
    elif shown.ok:
        first = "works"
    elif trouble.advice and re.search(trouble.advice, shown.text):
        first = "hint"
    else:
        first = "no hint"
    return f"{first}, next {'works' if after.ok else 'hangs' if after.is_hanging else 'fails'}"


async def server_rows(place: Place, only: str, tell: Tell) -> list[Row]:
    """Of all servers, by both transports and both ways, with a client that speaks with all."""
    turns = asyncio.Semaphore(2)
    pairs = [(kind, each) for kind in ALL_SERVERS for each in kind.transports]

    async def play(kind: ServerKind, transport: Transport) -> list[Row]:
        async with turns:
            return await _server_rows(place, kind, transport, tell)

    wanted = [pair for pair in pairs if only in f"server {pair[0].name}"]
    found = await asyncio.gather(*(play(*pair) for pair in wanted))
    return [row for rows in found for row in rows]


async def _server_rows(
    place: Place, kind: ServerKind, transport: Transport, tell: Tell
) -> list[Row]:
    rows: list[Row] = []
    path = "/sse" if transport == "sse" else "/mcp"
    clients = [each for each in ALL_CLIENTS if each.name == "mcp 2.3"]
    async with staging(lambda port: kind.command(place, transport, port), path) as stage:
        for way in (transport, "stdio"):
            async with AsyncExitStack() as stack:
                drivers = [
                    await stack.enter_async_context(
                        Driver(client.command(place, way), stage.environ_of_clients)
                    )
                    for client in clients
                ]
                trouble = next(each for each in TROUBLES if each.name.startswith("restart"))
                played = await _play(stage, trouble, way, place, clients, drivers)
                name = "mcp" if way == "stdio" else "run"
                for client, said in zip(clients, played, strict=True):
                    about = f"server {kind.name} by {transport}, restart | {name} | {client.name}"
                    rows.append((about, outcome(trouble, said)))
                    tell(about, said)
    return rows
