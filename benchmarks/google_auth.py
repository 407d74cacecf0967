"""What a program sees of google-auth's own ways to call a service, and of authproxy.auth.

Both use the same key file against the pretend Google, whose token endpoint is slow. Tokens live so
that google-auth takes them for expired three seconds after they came, though they are good for
another 225 seconds, as in the last minutes of every hour. `--write` puts the table into
docs/python.md.
"""

import argparse
import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import requests
from aiohttp import web
from google.auth.transport.grpc import AuthMetadataPlugin
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2.service_account import IDTokenCredentials
from grpc_health.v1 import health_pb2, health_pb2_grpc

from authproxy.auth import ServiceAuth
from authproxy.demo import sample
from authproxy.demo.world import World
from authproxy.loop_thread import LoopThread

PAGE = Path(__file__).parents[1] / "docs" / "python.md"
BEGIN, END = "<!-- google-auth: begin -->\n", "<!-- google-auth: end -->"
BOT = "bot@demo-project.iam.gserviceaccount.com"
SLOW_S = 0.3
EXPIRY_MARGIN_S = 225
GOOD_FOR_S = 3
THREADS = 8

Send = Callable[..., str]
"""One request: what came of it, in a word."""


@dataclass(slots=True)
class Place:
    world: World
    credentials: str
    seen: list[tuple[str, int]]
    """Path and size of the body of each request that the service let in."""
    strangers: list[bool]
    """Of each request to a service that nobody named: had it a token?"""
    stranger_url: str

    @property
    def mints(self) -> int:
        return self.world.google.mints_of(self.world.url)


async def open_place() -> Place:
    """Start it all."""
    seen: list[tuple[str, int]] = []
    strangers: list[bool] = []

    async def service(request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/grpc.health"):
            return await sample.handle(request)
        seen.append((request.path, len(await request.read())))
        return web.Response(status=401 if request.path == "/own-401" else 200)

    async def stranger(request: web.Request) -> web.StreamResponse:
        strangers.append("Authorization" in request.headers)
        return web.Response()

    world = World(token_life_s=EXPIRY_MARGIN_S + GOOD_FOR_S, app=service)
    await world.__aenter__()
    world.cloud_run.gate.invokers.add(BOT)
    world.google.token.delay_s = SLOW_S
    other = await world.add_service("stranger", app=stranger, invokers=["allUsers"])
    return Place(world, str(world.service_account_file(BOT)), seen, strangers, other.url)


def google_requests(place: Place) -> Send:
    make: Any = AuthorizedSession
    return _sender(make(_id_credentials(place)), place)


def our_requests(place: Place) -> Send:
    session = requests.Session()
    session.auth = ServiceAuth(place.world.url, credentials=f"file:{place.credentials}").requests()
    return _sender(session, place)


def _sender(session: requests.Session, place: Place) -> Send:
    session.trust_env, session.verify = False, str(place.world.ca_file)

    def send(url: str = "/", data: Any = None) -> str:
        url = place.world.url + url if url.startswith("/") else url
        try:
            return str(session.request("POST", url, data=data).status_code)
        except Exception as error:  # noqa: BLE001 -- what kind is what is measured
            return type(error).__name__

    return send


def google_grpc(place: Place) -> Send:
    make: Any = AuthMetadataPlugin
    return _caller(place, grpc.metadata_call_credentials(make(_id_credentials(place), Request())))


def our_grpc(place: Place) -> Send:
    auth = ServiceAuth(place.world.url, credentials=f"file:{place.credentials}")
    return _caller(place, auth.grpc())


def _caller(place: Place, credentials: Any) -> Send:
    tls = grpc.ssl_channel_credentials(place.world.ca_file.read_bytes())
    channel = grpc.secure_channel(
        place.world.url.removeprefix("https://"),
        grpc.composite_channel_credentials(tls, credentials),
    )
    stub = health_pb2_grpc.HealthStub(channel)

    def send(_url: str = "/", _data: Any = None) -> str:
        try:
            stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
        except grpc.RpcError as error:
            return str(error.code().name)
        return "200"

    return send


def _id_credentials(place: Place) -> Any:
    make: Any = IDTokenCredentials.from_service_account_file
    return make(place.credentials, target_audience=place.world.url)


def timed(send: Send) -> tuple[str, float]:
    began = time.perf_counter()
    return send(), time.perf_counter() - began


def expire() -> None:
    """Until google-auth takes the token for expired; ours renews its own meanwhile."""
    time.sleep(GOOD_FOR_S + 0.5)  # noqa: TID251 -- google-auth has no clock to be set


def measure(place: Place, make: Callable[[Place], Send], *, is_http: bool) -> Iterator[str]:
    """A cell for each row of ROWS."""
    send = make(place)
    yield f"{timed(send)[1] * 1000:.0f} ms"
    expire()
    yield f"{timed(send)[1] * 1000:.0f} ms"
    expire()
    before = place.mints
    with ThreadPoolExecutor(THREADS) as pool:
        waits = [took for _, took in pool.map(lambda _: timed(send), range(THREADS))]
    yield f"{max(waits) * 1000:.0f} ms, {place.mints - before} mints"
    place.world.google.token.fail_with(503)
    expire()
    yield _word(send())
    place.world.google.token.up()
    if not is_http:
        yield from ["–"] * 4
        return
    send()
    place.world.google.keys.revoke()
    place.seen.clear()
    yield f"{_word(send(data=iter([b'four'])))}, {sum(size for _, size in place.seen)} of 4 bytes"
    send = make(place)
    send()
    place.world.google.keys.revoke()
    yield _word(send())
    place.seen.clear()
    send("/own-401")
    yield "once" if len(place.seen) == 1 else f"{len(place.seen)} times"
    place.strangers.clear()
    send(place.stranger_url + "/")
    yield "yes" if place.strangers[0] else "no"


def _word(outcome: str) -> str:
    return {"200": "answered", "401": "its 401"}.get(outcome, f"lost: {outcome}")


ROWS = (
    "the first request waits",
    "a request waits, when the token is to be renewed",
    f"{THREADS} requests at once wait then, at most",
    "a request then, while the token endpoint is down (the token is good for minutes)",
    "a stream of 4 bytes, when Google calls the token invalid: outcome, and what the service got",
    "a request without a body then",
    "a POST that the application itself answers with 401 reaches it",
    "a host that nobody named gets the token",
)
COLUMNS = (
    ("google-auth, requests", google_requests, True),
    ("authproxy, requests", our_requests, True),
    ("google-auth, grpcio", google_grpc, False),
    ("authproxy, grpcio", our_grpc, False),
)


def table() -> str:
    loop = LoopThread("world")
    columns = []
    for _, make, is_http in COLUMNS:
        place = loop.submit(open_place()).result()
        columns.append([*measure(place, make, is_http=is_http)])
        loop.submit(place.world.__aexit__(None, None, None)).result()
    loop.stop(asyncio.sleep(0))
    lines = ["| | " + " | ".join(name for name, _, _ in COLUMNS) + " |", "|---|---|---|---|---|"]
    lines += [
        f"| {row} | {' | '.join(cells)} |" for row, *cells in zip(ROWS, *columns, strict=True)
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put it into docs/python.md")
    is_written = parser.parse_args().write
    made = table()
    print(made)
    if is_written:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{made}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
