"""Where proxies are run: the service, the cores, a folder, and a way to start one."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Bench
from benchmarks.peers import Peer
from benchmarks.peers.job import Job
from benchmarks.peers.python import TOKEN_VARIABLE
from benchmarks.processes import (
    BenchmarkError,
    free_port,
    running,
    wait_until_answers,
    wait_until_listens,
)
from benchmarks.service import SMALL, Role, Service, serving


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A peer that runs and has answered."""

    name: str
    port: int
    pid: int
    seconds: float
    """From its start to its first answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What all peers are given."""

    service: Service
    bench: Bench
    core: int
    folder: Path

    @contextmanager
    def start(self, peer: Peer, role: Role = Role.HTTP1, names: int = 0) -> Iterator[Started]:
        """Run `peer` in the block. Raises BenchmarkError if it does not answer."""
        port = free_port()
        folder = Path(tempfile.mkdtemp(prefix=f"{peer.name}-", dir=self.folder))
        job = Job(port=port, service=self.service, folder=folder, role=role, names=names)
        command = peer.command(job)
        env = {TOKEN_VARIABLE: self.service.token, "GOMAXPROCS": "1"}
        before = time.perf_counter()
        with running(command, core=self.core, log=folder / "log", env=env) as program:
            if role is Role.HTTP2:  # some peers' port for it speaks nothing else
                wait_until_listens(program, port)
            else:
                wait_until_answers(program, port, SMALL, headers=job.headers)
            took = time.perf_counter() - before
            yield Started(name=peer.name, port=port, pid=program.process.pid, seconds=took)


@contextmanager
def staged() -> Iterator[Stage]:
    """Raises BenchmarkError when there are not two cores, or no nginx."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise BenchmarkError("two cores are needed: one for the proxy, one for load and service")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        (folder / "service").mkdir()
        with serving(folder / "service", cores[1]) as service:
            bench = Bench(core=cores[1], origin=service.origin, token=service.token)
            yield Stage(service=service, bench=bench, core=cores[0], folder=folder)
