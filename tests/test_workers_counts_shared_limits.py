"""What must hold of the memory, whichever process is killed, and wherever."""

import random
import subprocess
import sys
from ipaddress import ip_address

from authproxy.policy.access.client_limits import RateLimit
from authproxy.policy.access.rate_limits import RateLimiter
from authproxy.settings import LimitSettings
from authproxy.workers.counts.shared_limits import SharedLimits
from tests.support.sharing import two_workers

CLIENTS = [ip_address(f"192.0.2.{number}") for number in range(4)]
LIMITS = LimitSettings(requests_per_second=1000, burst=100000, connections_per_client=3)
BUSY = """
import sys
from ipaddress import ip_address
from authproxy.settings import LimitSettings
from authproxy.workers.counts.shared_limits import SharedLimits
limits = LimitSettings(requests_per_second=1000, burst=100000, connections_per_client=3)
memory = SharedLimits(2, int(sys.argv[1]), patience_s=60)
found = memory.of_worker(int(sys.argv[2]), limits)
clients = [ip_address(f"192.0.2.{number}") for number in range(4)]
rounds = int(sys.argv[3])
print("begins", flush=True)
sys.stdin.readline()
while rounds:
    rounds -= 1
    for client in clients:
        refusals = [found.connections.opened(client) for _ in range(2)]
        found.wrong_keys.note(client, 0.0)
        found.rate.take(client, 0.0)
        for _ in refusals:
            found.connections.closed(client)
    print(refusals, flush=True)
"""


def begin(memory: SharedLimits, worker: int, rounds: int) -> "subprocess.Popen[str]":
    """It waits to be told to go on."""
    arguments = map(str, (memory.descriptor, worker, rounds))
    process = subprocess.Popen(
        (sys.executable, "-c", BUSY, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=[memory.descriptor],
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def go_on(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def run_two(memory: SharedLimits, rounds: int) -> list[str]:
    """Both at once; the lines that they have said."""
    running = [begin(memory, worker, rounds) for worker in (1, 2)]
    for each in running:
        go_on(each)
    return [line for each in running for line in each.communicate()[0].splitlines()]


def debts(rate: RateLimit) -> list[float]:
    """How much of the future each client has taken."""
    return [rate.take(client, -1000.0) for client in CLIENTS]


def test_two_processes_at_the_same_clients_lose_no_count() -> None:
    with two_workers(LIMITS) as (parent, (one, _)):
        run_two(parent, 1000)
        assert one.rate is not None
        alone = RateLimiter(1000, 100000)
        for client in CLIENTS * 2000:
            alone.take(client, 0.0)

        assert debts(alone) == debts(one.rate)
        assert all(one.wrong_keys.wait_s(client, 0.0) == 60.0 for client in CLIENTS)
        assert "<SharedLimits [0 connections]>" == repr(parent)


def test_of_what_is_taken_and_given_back_by_two_at_once_nothing_is_left() -> None:
    """Each of two has two at a time, so three are open, or four and the last one is refused."""
    with two_workers(LIMITS) as (parent, _):
        said = run_two(parent, 1000)

    refused = "'4 connections of 192.0.2.3 are more than limits.connections_per_client = 3'"
    assert {"[None, None]", f"[None, {refused}]"} >= set(said)


def test_processes_that_are_killed_anywhere_leave_nothing_that_counts() -> None:
    chance = random.Random(4)
    with two_workers(LIMITS) as (parent, (one, _)):
        for _ in range(5):
            running = [begin(parent, worker, -1) for worker in (1, 2)]
            for worker, each in enumerate(running, 1):
                assert each.stdout is not None
                go_on(each)
                for _ in range(chance.randrange(1, 100)):
                    each.stdout.readline()
                with each:
                    each.kill()
                parent.gone(worker)
        said = begin(parent, 2, 5).communicate("\n")[0]

        assert "<SharedLimits [0 connections]>" == repr(parent)
        assert ["[None, None]"] * 5 == said.splitlines()
        assert [None] * 3 == [one.connections.opened(CLIENTS[0]) for _ in range(3)]
