"""What a small request costs while many are connected, without what it cost to connect them.

wrk opens its connections when it starts, and a proxy opens as many to the service. So the load runs
on its own, and what counts is a while in the middle of it, that begins when each connection has had
some answers. How many there were is what the service says, which counts all.
"""

import http.client
import time

from benchmarks.measure import Load, RoundError
from benchmarks.processes import cpu_seconds
from benchmarks.stage import Stage

ANSWERS_BEFORE = 3
"""For each connection, until it counts."""
WHILE_S = 2.0
LOOK_EVERY_S = 0.05
OPENING_S = 30.0
"""More than any proxy needs to open a thousand connections."""


def steady_us(stage: Stage, pid: int, port: int, load: Load) -> float:
    """CPU microseconds of the proxy for each answer. Raises RoundError."""
    served = stage.service.status_port
    before = answers(served)
    deadline = time.monotonic() + OPENING_S
    with stage.bench.driving(load, port):
        while answers(served) - before < ANSWERS_BEFORE * load.connections:
            if time.monotonic() > deadline:
                raise RoundError(f"{load.connections} connections did not open in {OPENING_S:g} s")
            time.sleep(LOOK_EVERY_S)  # noqa: TID251 -- nothing tells when nginx has counted
        spent, answered = cpu_seconds(pid), answers(served)
        time.sleep(WHILE_S)  # noqa: TID251 -- it is a while that is measured
        spent, answered = cpu_seconds(pid) - spent, answers(served) - answered
    return spent * 1e6 / answered


def answers(port: int) -> int:
    """Of the service so far."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/")
        return parse_status(connection.getresponse().read().decode())
    finally:
        connection.close()


def parse_status(text: str) -> int:
    """Requests, of what nginx' `stub_status` says: the third number below their titles."""
    lines = text.splitlines()
    return int(lines[2].split()[2])
