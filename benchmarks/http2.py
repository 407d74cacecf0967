"""HTTP/2 calls: h2load drives a proxy in clear, over few connections with several streams each."""

import re
import subprocess
from dataclasses import dataclass

from benchmarks.measure import RoundError
from benchmarks.processes import BenchmarkError, pinned, program
from benchmarks.service import SMALL

CONNECTIONS = 4
STREAMS = 8
SECONDS = 1
HINT = "apt-get install nghttp2-client"
REQUESTS = re.compile(
    r"^requests: (\d+) total, .* (\d+) succeeded, (\d+) failed, (\d+) errored", re.M
)
STATUSES = re.compile(r"^status codes: (\d+) 2xx", re.M)
BODIES = re.compile(r"^traffic: .* \((\d+)\) data$", re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What h2load counted."""

    succeeded: int
    failed: int
    good: int
    """Answers with a 2xx status."""
    body_bytes: int


def drive(core: int, port: int, each_per_s: int | None = None) -> int:
    """Call `/` for a second, as often as it goes or so often by each connection; how many calls
    were answered. Raises RoundError."""
    load = ["-c", str(CONNECTIONS), "-m", str(STREAMS), "-D", str(SECONDS), "-t", "1"]
    load += [f"--rps={each_per_s}"] if each_per_s is not None else []
    command = [program("h2load", hint=HINT), *load, f"http://127.0.0.1:{port}/"]
    with pinned(core):
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS + 10)
        except subprocess.TimeoutExpired as error:
            raise RoundError("h2load got no end of it") from error
    calls = parse_calls(done.stdout)
    if calls is None:
        raise BenchmarkError(f"h2load failed: {done.stdout}{done.stderr}")
    check(calls)
    return calls.succeeded


def parse_calls(output: str) -> Calls | None:
    """The summary that h2load prints, or None if it is not there."""
    requests, statuses = REQUESTS.search(output), STATUSES.search(output)
    bodies = BODIES.search(output)
    if requests is None or statuses is None or bodies is None:
        return None
    return Calls(
        succeeded=int(requests[2]),
        failed=int(requests[3]) + int(requests[4]),
        good=int(statuses[1]),
        body_bytes=int(bodies[1]),
    )


def check(calls: Calls) -> None:
    """Raises RoundError unless every answer was a good one."""
    if calls.succeeded == 0:
        raise RoundError("no call was answered")
    if calls.failed:
        raise RoundError(f"{calls.failed} calls failed, {calls.succeeded} did not")
    if calls.good < calls.succeeded:
        raise RoundError(
            f"{calls.succeeded - calls.good} answers of {calls.succeeded} were not 2xx"
        )
    if calls.body_bytes < calls.succeeded * len(SMALL):
        raise RoundError(f"{calls.succeeded} answers were cut: {calls.body_bytes} bytes in all")
