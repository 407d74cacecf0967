"""What is measured, and how: wrk drives a proxy, /proc tells what it cost.

Every measure gives one number per round. wrk counts its own answers; a round in which one of them
failed, or was shorter than it should be, gives no number but a `RoundError` that says why.
"""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.processes import BenchmarkError, pinned, program
from benchmarks.service import MIB, SMALL

SCRIPT = Path(__file__).with_name("wrk.lua")
MARK = "counted "


class RoundError(Exception):
    """Something was not answered as it should be; the text says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What wrk does for a while."""

    path: str
    connections: int
    upload: int = 0
    """Bytes of each request's body."""
    think_ms: int = 0
    """How long a connection waits on average from an answer to its next request."""
    names: int = 0
    """With more than none, requests are for the services s0, s1, … in turn."""
    varied: bool = False
    """No request is the same as another."""
    host: str = ""
    """The Host, when it is not the address."""
    least_bytes: int = 0
    """How long an answer must be at least."""
    seconds: int = 1

    @property
    def arguments(self) -> list[str]:
        """For wrk.lua."""
        asked = {
            "upload": self.upload,
            "think": self.think_ms,
            "names": self.names,
            "varied": int(self.varied),
        }
        return [f"{name}={value}" for name, value in asked.items() if value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What wrk counted; latencies in microseconds, as wrk corrects them for its own waiting."""

    requests: int
    bytes: int
    duration_us: int
    p50_us: int
    p99_us: int
    errors: dict[str, int]


ONE_BY_ONE = Load(path="/", connections=1, least_bytes=len(SMALL))
SMALL_GETS = replace(ONE_BY_ONE, connections=32)
VARIED_GETS = replace(SMALL_GETS, path="/varied", varied=True)
"""Neither the client nor the service repeats itself."""
TEN_CLIENTS = replace(ONE_BY_ONE, connections=10)
AT_MOST_S = 120
"""How long a load runs that somebody ends."""
PATIENCE_S = 10
"""How long an answer may take."""
STEADY = replace(ONE_BY_ONE, connections=64, think_ms=32)
"""64 connections ask about 2,000 times a second in all, whoever answers."""
DOWNLOADS = Load(path="/blob", connections=8, least_bytes=MIB)
UPLOADS = Load(path="/upload", connections=8, upload=MIB)


def by_connections(count: int) -> Load:
    return replace(SMALL_GETS, connections=count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where the load comes from, and who may tell the service the token itself."""

    core: int
    origin: str
    token: str

    def drive(self, load: Load, port: int | None) -> Counted:
        """Load the proxy on `port`, or with None the service itself. Raises RoundError."""
        with pinned(self.core):
            done = subprocess.run(
                self._command(load, port, load.seconds),
                capture_output=True,
                text=True,
                timeout=load.seconds + 30,
            )
        return _good(done.stdout, done.stderr, load)

    @contextmanager
    def driving(self, load: Load, port: int) -> Iterator[None]:
        """Load the proxy for as long as the block takes. Raises RoundError at its end."""
        with pinned(self.core):
            wrk = subprocess.Popen(
                self._command(load, port, AT_MOST_S),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        try:
            yield
        finally:
            wrk.send_signal(signal.SIGINT)  # it counts what there was, and ends
            output, complaints = wrk.communicate(timeout=30)
        _good(output, complaints, load)

    def _command(self, load: Load, port: int | None, seconds: int) -> list[str]:
        wrk = program("wrk", hint="apt-get install wrk")
        url = self.origin if port is None else f"http://127.0.0.1:{port}"
        command = [wrk, "-t1", f"-c{load.connections}", f"-d{seconds}s", "-s", str(SCRIPT)]
        command += ["--timeout", f"{PATIENCE_S}s"]
        if port is None:
            command += ["-H", f"Authorization: Bearer {self.token}"]
        command += ["-H", f"Host: {load.host}"] if load.host else []
        return [*command, url + load.path, "--", *load.arguments]


def _good(output: str, complaints: str, load: Load) -> Counted:
    counted = parse_counted(output)
    if counted is None:
        raise BenchmarkError(f"wrk failed: {output}{complaints}")
    check(counted, load)
    return counted


def parse_counted(output: str) -> Counted | None:
    """The line that wrk.lua printed, or None if it is not there."""
    for line in output.splitlines():
        if line.startswith(MARK):
            fields: dict[str, Any] = json.loads(line.removeprefix(MARK))
            return Counted(**fields)
    return None


def check(counted: Counted, load: Load) -> None:
    """Raises RoundError unless every answer was a good one."""
    bad = ", ".join(f"{count} × {kind}" for kind, count in counted.errors.items() if count)
    if bad:
        raise RoundError(f"of {counted.requests} requests failed: {bad}")
    if counted.requests == 0:
        raise RoundError("no request was answered")
    if counted.bytes < counted.requests * load.least_bytes:
        raise RoundError(f"{counted.requests} answers were cut: {counted.bytes} bytes in all")
