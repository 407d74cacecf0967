"""What a request's fields cost, in CPU time of this process: repeated, traced by the client, by us.

python -m benchmarks.fields

A browser's GET on a connection that is kept, from its bytes to those for the service and back.
Nothing of the system is in it: both sides are fakes in memory, so the shares of these costs in a
real request are smaller. The least of five runs.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import count
from typing import cast

from authproxy.exchange import Exchange, Observer
from authproxy.wire.recorder import Recorder
from tests.support.stage import Act, Do, Stage
from tests.support.wires import Wire

Trace = Callable[[int], int]
"""What the client says for its n-th request."""
REQUESTS, RUNS = 5000, 5
HEAD = b"\r\n".join(
    [
        b"GET /a?b=c HTTP/1.1",
        b"Host: a.localhost",
        b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
        b"Accept: */*",
        b"Accept-Language: en-US,en;q=0.5",
        b"Accept-Encoding: gzip, deflate, br, zstd",
        b"Referer: http://a.localhost/",
        b"Cookie: session=0123456789abcdef",
        b"Sec-Fetch-Dest: empty",
        b"Sec-Fetch-Mode: cors",
        b"Sec-Fetch-Site: same-origin",
        b"traceparent: 00-%032x-%016x-01",
        b"\r\n",
    ]
)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


class Traces:
    """An observer with a header for each request."""

    names_to_send = frozenset([b"traceparent"])

    def __init__(self) -> None:
        self._numbers = count(1)

    def fields_to_send(self, _exchange: Exchange) -> Sequence[tuple[bytes, bytes]]:
        number = next(self._numbers)
        return [(b"traceparent", b"00-%032x-%016x-01" % (number, number))]

    def exchange_ended(self, exchange: Exchange) -> None:
        """Nothing."""


async def connect(observers: Sequence[Observer]) -> tuple[Wire, Wire]:
    """A client's connection and a service's, which have exchanged something."""
    stage = Stage()
    stage.server.recorder = Recorder(observers)
    await stage.do(Act(Do.CLIENT_SENDS, 0, HEAD % (0, 0)))
    await stage.do(Act(Do.TURN))
    await stage.do(Act(Do.SERVICE_SENDS, 0, ANSWER))
    return stage.clients[0], stage.service_wires[0]


def once(client: Wire, service: Wire, trace: Trace) -> float:
    """µs for each request."""
    ends = [cast(asyncio.Protocol, wire.get_protocol()) for wire in (client, service)]
    asks, answers = (end.data_received for end in ends)
    before = time.process_time_ns()
    for number in range(REQUESTS):
        asks(HEAD % (trace(number), 1))
        answers(ANSWER)
        client.sent.clear()
        service.sent.clear()
    return (time.process_time_ns() - before) / REQUESTS / 1000


def measure(name: str, observers: Sequence[Observer], trace: Trace) -> None:
    loop = asyncio.new_event_loop()
    try:
        ends = loop.run_until_complete(connect(observers))
        print(f"{name}: {min(once(*ends, trace) for _ in range(RUNS)):.1f} µs of CPU")
    finally:
        loop.close()


if __name__ == "__main__":
    measure("the same fields", [], lambda _: 1)
    measure("another trace of the client's each time", [], lambda number: number)
    measure("another trace of an observer's each time", [Traces()], lambda _: 1)
