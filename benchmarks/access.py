"""What deciding who may pass costs, in CPU time of this process: with one CIDR and with 100,000.

python -m benchmarks.access

Each decision is one call of `AccessList.find_refusal` about an address that may pass, another one
every time. A quarter of the networks is IPv6. What reading the CPU clock costs is in the shares:
they are upper bounds. The mean is of one long run, without it.
"""

import gc
import time
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from itertools import cycle, islice
from random import Random

from authproxy.policy.access.networks import AccessList, Address
from authproxy.values import Network

DECISIONS = 1_000_000
ASKED = 10_000
COUNTS = (1, 100_000)
SHARES = (0.5, 0.99, 0.999)


def made_up(count: int, chance: Random) -> list[Network]:
    """Small networks all over the address space, the same ones every time."""
    return [
        IPv6Network((chance.getrandbits(128), chance.randint(40, 64)), strict=False)
        if number % 4 == 3
        else IPv4Network((chance.getrandbits(32), chance.randint(20, 32)), strict=False)
        for number in range(count)
    ]


def durations(access: AccessList, asked: Sequence[Address]) -> list[int]:
    """Nanoseconds of CPU for each decision, in order of size."""
    clock, decide = time.thread_time_ns, access.find_refusal
    taken = []
    for address in islice(cycle(asked), DECISIONS):
        before = clock()
        decide(address)
        taken.append(clock() - before)
    return sorted(taken)


def mean_ns(access: AccessList, asked: Sequence[Address]) -> float:
    decide = access.find_refusal
    before = time.thread_time_ns()
    for address in islice(cycle(asked), DECISIONS):
        decide(address)
    return (time.thread_time_ns() - before) / DECISIONS


def measure(count: int) -> None:
    chance = Random(count)
    networks = made_up(count, chance)
    asked = [chance.choice(networks).network_address for _ in range(ASKED)]
    before = time.thread_time_ns()
    access = AccessList(allow=networks)
    print(f"{count:,} CIDRs: built in {(time.thread_time_ns() - before) / 1e6:.1f} ms of CPU")
    print(f"  mean: {mean_ns(access, asked) / 1000:.2f} µs of CPU")
    taken = durations(access, asked)
    for share in SHARES:
        print(f"  {share:.1%} take at most {taken[int(share * DECISIONS)] / 1000:.2f} µs")


if __name__ == "__main__":
    gc.disable()
    for count in COUNTS:
        measure(count)
