"""Pauses of requests while a configuration of many services is read anew:

    python -m benchmarks.reload [--services 1000] [--workers 2] [--one-core]

Clients ask one after the other, each by a connection of its own, through a proxy that is told again
and again to reload a file in which something of every service is another. The longest time for an
answer is shown beside that of as long a time without a reload: the machine has pauses, too, and so
has this program, whose own are shown.
"""

import argparse
import asyncio
import gc
import os
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.processes import free_port, running, wait_until_answers
from benchmarks.service import throwaway_token

KEY = "only-for-this-benchmark"
CLIENTS = 16
BETWEEN_S = 0.005
"""Each client rests after an answer: what is looked for are pauses, not the most that goes."""
QUIET_S = 1.0
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
TOP = """listen = "127.0.0.1:{port}"
admin = "127.0.0.1:{admin}"
admin_key = "env:BENCH_KEY"
workers = {workers}
"""
SERVICE = """[services.s{number}]
url = "http://127.0.0.1:{service}"
credentials = "token-env:BENCH_TOKEN"
allow = ["127.0.0.0/{bits}"]
"""
END = "[log]\naccess = false\n"
Lasted = list[tuple[float, float]]
"""When each began, and for how long it lasted."""


@dataclass(slots=True)
class Seen:
    answers: Lasted = field(default_factory=list)
    own: Lasted = field(default_factory=list)
    """Pauses of this program."""

    def longest_ms(self, began: float, ended: float) -> tuple[float, float]:
        """Of answers under way meanwhile, and of this program."""
        answers, own = (
            [took for at, took in found if at < ended and at + took > began]
            for found in (self.answers, self.own)
        )
        return 1000 * max(answers), 1000 * max(own)


async def measure(options: argparse.Namespace, folder: Path) -> list[list[float]]:
    """For each reload: how long it took, then the longest answer meanwhile, this program's longest
    pause, and the same two of as long a time before it. All in milliseconds."""
    service = await asyncio.start_server(_answer, "127.0.0.1", 0)
    ports = {"port": free_port(), "admin": free_port()}
    first, other = sorted(os.sched_getaffinity(0))[:2]
    config = folder / "authproxy.toml"

    def write(bits: int) -> None:
        behind = service.sockets[0].getsockname()[1]
        each = [
            SERVICE.format(number=number, service=behind, bits=bits)
            for number in range(options.services)
        ]
        top = TOP.format(**ports, workers=options.workers)
        config.write_text("".join([top, *each, END]))

    write(8)
    command = [options.build, "run", "--config", str(config)]
    env = {"BENCH_TOKEN": throwaway_token(443), "BENCH_KEY": KEY}
    with running(command, core=first, log=folder / "log", env=env) as proxy:
        asked = {"Host": "s7.localhost"}
        await asyncio.to_thread(wait_until_answers, proxy, ports["port"], b"ok", headers=asked)
        if options.one_core:
            os.sched_setaffinity(0, {other})
        else:
            _let_go(proxy.process.pid, {first, other})
        seen, found = Seen(), []
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_ask(ports["port"], seen)) for _ in range(CLIENTS)]
            tasks.append(group.create_task(_note_pauses(seen)))
            await asyncio.sleep(QUIET_S)
            for number in range(options.reloads):
                await asyncio.sleep(QUIET_S)
                write(9 if number % 2 == 0 else 8)
                await asyncio.sleep(QUIET_S)
                began = time.monotonic()
                await asyncio.to_thread(_reload, ports["admin"])
                ended = time.monotonic()
                await asyncio.sleep(QUIET_S / 2)
                took = ended - began
                before = seen.longest_ms(began - min(took, QUIET_S), began)
                found.append([1000 * took, *seen.longest_ms(began, ended), *before])
            for task in tasks:
                task.cancel()
    service.close()
    return found


def _let_go(pid: int, cores: set[int]) -> None:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for each in (str(pid), *children):
        for thread in Path(f"/proc/{each}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)


def _reload(admin: int) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    url = f"http://127.0.0.1:{admin}/-/reload"
    request = urllib.request.Request(url, method="POST", headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 -- our own
        answer.read()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(ANSWER)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _ask(port: int, seen: Seen) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        began = time.monotonic()
        writer.write(b"GET / HTTP/1.1\r\nHost: s7.localhost\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readexactly(2)
        if not head.startswith(b"HTTP/1.1 200") or body != b"ok":
            raise ValueError(head)
        seen.answers.append((began, time.monotonic() - began))
        await asyncio.sleep(BETWEEN_S)


async def _note_pauses(seen: Seen) -> None:
    while True:
        began = time.monotonic()
        await asyncio.sleep(0.001)
        seen.own.append((began, time.monotonic() - began - 0.001))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, prog="benchmarks.reload")
    here = str(Path(sys.executable).with_name("authproxy"))
    parser.add_argument("--build", default=here, help="the program authproxy")
    parser.add_argument("--services", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--reloads", type=int, default=12)
    parser.add_argument(
        "--one-core",
        action="store_true",
        help="the proxy and what reads for it have one core, this program another",
    )
    options = parser.parse_args()
    gc.disable()
    with TemporaryDirectory() as folder:
        found = asyncio.run(measure(options, Path(folder)))
    names = ("reload", "longest answer", "own pause", "longest answer before", "own pause before")
    for name, values in zip(names, zip(*found, strict=True), strict=True):
        shown = " ".join(f"{value:.0f}" for value in values)
        print(f"{name}: {median(values):.1f} ms at the median; {shown}")


if __name__ == "__main__":
    main()
