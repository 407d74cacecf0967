"""The units of deploy/systemd, started as systemd does: with its sockets and its watchdog."""

import asyncio
import contextlib
import json
import re
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from authproxy.config.loading import load
from tests.support.deploy_tools import said_by
from tests.support.deploying import DEPLOY, END_S
from tests.support.program import clean_environment, run_to_end
from tests.support.raw import OK, always, raw_service

FOLDER = DEPLOY / "systemd"
SERVICES = [FOLDER / "authproxy.service", FOLDER / "user" / "authproxy.service"]
EACH = pytest.mark.parametrize("service", SERVICES, ids=["system", "user"])
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def directives(unit: Path) -> dict[str, list[str]]:
    """Of all sections, each with its values in order."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", unit.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


@dataclass(frozen=True, slots=True)
class Unit:
    """One that runs."""

    process: asyncio.subprocess.Process
    port: int
    notify: socket.socket

    async def told(self) -> str:
        async with asyncio.timeout(20):
            return (await asyncio.get_running_loop().sock_recv(self.notify, 4096)).decode()


@contextlib.asynccontextmanager
async def started(service: Path, folder: Path, url: str) -> AsyncIterator[Unit]:
    """ExecStart= of the unit, with a socket, and with what Type= and WatchdogSec= mean."""
    asked, sockets = directives(service), directives(service.with_suffix(".socket"))
    _, *arguments = asked["ExecStart"][0].split()
    file = folder / "authproxy.toml"
    text = (FOLDER / "authproxy.toml").read_text()
    file.write_text(
        text.replace("https://billing-abc123-ew.a.run.app", url)
        .replace('"adc"', '"none"')
        .replace(":4040", ":0")
    )
    arguments[-1] = str(file)
    code = (
        "import os, sys\nos.dup2(int(sys.argv[1]), 3)\npid = str(os.getpid())\n"
        "os.environ.update(LISTEN_PID=pid, LISTEN_FDS='1', WATCHDOG_PID=pid)\n"
        "os.execv(sys.executable, [sys.executable, '-m', 'authproxy', *sys.argv[2:]])"
    )
    watchdog_s = float(asked["WatchdogSec"][0]) / 100  # a hundredth: nobody waits for the whole
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        notify.bind(str(folder / "notify"))
        notify.setblocking(False)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code, str(listening.fileno()), *arguments),
            env=clean_environment(
                {
                    "NOTIFY_SOCKET": str(folder / "notify"),
                    "WATCHDOG_USEC": str(int(watchdog_s * 1_000_000)),
                    "LISTEN_FDNAMES": sockets["FileDescriptorName"][0],
                    "AUTHPROXY_ADMIN_KEY": "env:KEY",
                    "KEY": "a-key-of-sixteen-and-more",
                }
            ),
            pass_fds=(listening.fileno(),),
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            yield Unit(process, listening.getsockname()[1], notify)
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


@EACH
async def test_it_says_that_it_is_ready_alive_and_ending(service: Path, tmp_path: Path) -> None:
    async with raw_service(always(OK)) as there, started(service, tmp_path, there.url) as unit:
        first = await unit.told()
        reader, writer = await asyncio.open_connection("127.0.0.1", unit.port)
        writer.write(GET)
        answer = await reader.read(-1)
        writer.close()
        alive = [await unit.told() for _ in range(3)]
        unit.process.send_signal(signal.SIGTERM)
        last = await unit.told()
        while last == "WATCHDOG=1":
            last = await unit.told()
        code = await unit.process.wait()

    assert "READY=1" == first
    assert answer.endswith(b"ok")
    assert {"WATCHDOG=1"} == set(alive)
    assert "STOPPING=1" == last
    assert [str(code)] == directives(service)["SuccessExitStatus"]


@EACH
async def test_a_watchdog_hears_nothing_of_one_that_hangs(service: Path, tmp_path: Path) -> None:
    async with raw_service(always(OK)) as there, started(service, tmp_path, there.url) as unit:
        assert "READY=1" == await unit.told()
        assert "WATCHDOG=1" == await unit.told()
        unit.process.send_signal(signal.SIGSTOP)
        with contextlib.suppress(BlockingIOError):
            while unit.notify.recv(4096):
                pass
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):  # three times WatchdogSec=
                await asyncio.get_running_loop().sock_recv(unit.notify, 4096)


@EACH
def test_the_unit_agrees_with_its_socket_and_with_authproxy(service: Path) -> None:
    asked, sockets = directives(service), directives(service.with_suffix(".socket"))
    file = FOLDER / "authproxy.toml"
    settings = load(urls=[], file=file, flags={}, environ={})
    timeouts = settings.timeouts

    assert ["notify"] == asked["Type"]
    assert timeouts.drain_delay + timeouts.drain + END_S < float(asked["TimeoutStopSec"][0])
    assert sockets["FileDescriptorName"] == [
        str(each.listen).partition(":")[2] for each in settings.every_listener
    ]
    assert {"127.0.0.1:8080", "[::1]:8080"} == set(sockets["ListenStream"])
    assert [service.with_suffix(".socket").name] == asked["Requires"]


async def test_its_configuration_passes_the_check(tmp_path: Path) -> None:
    key = tmp_path / "admin.key"
    key.write_text("a-key-of-sixteen-and-more\n")
    key.chmod(0o600)
    user = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    (tmp_path / "google.json").write_text(json.dumps(user))
    (tmp_path / "google.json").chmod(0o600)
    pairs = [each.split("=", 1) for each in directives(SERVICES[0])["Environment"]]
    environ = {name: value.replace("%d", str(tmp_path)) for name, value in pairs}

    code, stdout, stderr = await run_to_end(
        "check", "-c", FOLDER / "authproxy.toml", environ=environ
    )

    assert (0, "") == (code, stderr), stderr
    assert "The configuration is good." in stdout


@pytest.mark.outside
@EACH
def test_systemd_finds_nothing_wrong_with_the_units(service: Path, tmp_path: Path) -> None:
    program = tmp_path / "authproxy"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in (service, service.with_suffix(".socket")):
        text = unit.read_text()
        (tmp_path / unit.name).write_text(
            re.sub(r"^ExecStart=\S+", f"ExecStart={program}", text, flags=re.MULTILINE)
        )
    analyze = shutil.which("systemd-analyze")
    assert analyze is not None, "needs systemd; .ci/run installs it"
    units = [tmp_path / service.name, tmp_path / "authproxy.socket"]

    code, said = said_by([analyze, "verify", "--man=no", *units])

    assert (0, "") == (code, said)


@pytest.mark.outside
def test_systemd_calls_the_systems_unit_well_shut_in() -> None:
    analyze = shutil.which("systemd-analyze")
    assert analyze is not None, "needs systemd; .ci/run installs it"

    code, said = said_by(
        [analyze, "security", "--offline=true", "--threshold=15", SERVICES[0]]  # of 100
    )

    assert 0 == code, said
