"""`authproxy demo`: the pretend world in a process of its own, authproxy in this one."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from authproxy.config.ports import read_port
from authproxy.demo.guide import Guide
from authproxy.errors import ConfigError, Problem, StartError
from authproxy.reporting import InspectSettings
from authproxy.settings import ServiceSettings, Settings
from authproxy.system import entry
from authproxy.values import AdminSpec, CredentialsSpec, Listen, parse_listen, parse_origin

OnReady = Callable[[Sequence[str]], None]
RunProxy = Callable[[Settings, OnReady], int]

STOP_TIMEOUT_S = 5.0
READS_ENVIRONMENT = "google.auth.compute_engine._metadata"
"""The module of google-auth that reads GCE_METADATA_HOST, once, when it is imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Address and environment of the pretend world, as its process printed them."""

    url: str
    ca_file: Path
    environment: Mapping[str, str]


def run(*, listen: str | None, token_life_s: int, run_proxy: RunProxy) -> int:
    """Run the demo until authproxy stops; its exit code.

    Without `listen` it is localhost, at $PORT if that is set. Raises ConfigError for a wrong
    `listen` or $PORT and StartError when the pretend world cannot start.
    """
    where = _parse(listen)
    if READS_ENVIRONMENT in sys.modules:
        raise RuntimeError("google-auth was imported before the demo could set its environment")
    try:
        with entry.raising(), _world(token_life_s) as world:
            guide = Guide(
                service=world.url,
                ca_file=world.ca_file,
                token_life_s=token_life_s,
                environ=dict(os.environ),
            )
            with _environment(world.environment):
                return run_proxy(_settings(where, world), lambda urls: _say(guide.text(urls)))
    except KeyboardInterrupt:
        return 130


def _parse(listen: str | None) -> Listen:
    try:
        where = parse_listen(listen or "localhost")
    except ValueError as error:
        problem = Problem(where="command line", key="--listen", message=str(error))
        raise ConfigError([problem]) from None
    if where.path is not None or where.port is not None:
        return where
    port, problems = read_port(os.environ)
    if problems:
        raise ConfigError(problems)
    return replace(where, port=port)


def _settings(listen: Listen, world: Running) -> Settings:
    """As a user on Google Cloud would have them, but for the private certificate authority, and
    with the inspector wherever it runs: there is nothing secret to see."""
    service = ServiceSettings(
        url=parse_origin(world.url),
        ca_file=world.ca_file,
        credentials=CredentialsSpec("metadata"),
    )
    return Settings(
        listen=(listen,),
        services={"hello": service},
        admin=AdminSpec("near"),
        inspect=InspectSettings(record="on"),
    )


@contextlib.contextmanager
def _world(token_life_s: int) -> Iterator[Running]:
    """The world's process. It ends when its standard input does, and removes its own files then."""
    command = [sys.executable, "-m", "authproxy.demo", str(token_life_s)]
    child = subprocess.Popen(  # noqa: S603 -- our own module, by our own interpreter
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C is for authproxy, which may still need the world while it drains.
        start_new_session=True,
    )
    with child:
        try:
            yield _first_line(child.stdout)
        finally:
            _stop(child)


def _first_line(output: IO[str] | None) -> Running:
    line = output.readline() if output is not None else ""
    said = json.loads(line or "{}")
    if "url" not in said:
        problem = said.get("problem", "the pretend services ended while they were starting")
        raise StartError(problem, hint=said.get("hint", ""))
    return Running(url=said["url"], ca_file=Path(said["ca_file"]), environment=said["environment"])


def _stop(child: subprocess.Popen[str]) -> None:
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        child.kill()


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables, and put everything back afterwards."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
