import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from authproxy.runtime.process.notifications import ALIVE, READY, Notifications
from tests.support.loop_clock import put_forward, run_ahead


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.setblocking(False)
        yield sock


def heard(systemd: socket.socket) -> list[str]:
    found = []
    try:
        while True:
            found.append(systemd.recv(1024).decode())
    except BlockingIOError:
        return found


def environ(systemd: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": systemd.getsockname(), **more}


def test_what_is_said_reaches_the_socket(systemd: socket.socket) -> None:
    Notifications(environ(systemd)).say(READY)

    assert ["READY=1"] == heard(systemd)


def test_an_abstract_socket_is_reached_too() -> None:
    name = f"authproxy-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name}")
        sock.setblocking(False)
        Notifications({"NOTIFY_SOCKET": f"@{name}"}).say(READY)

        assert ["READY=1"] == heard(sock)


def test_without_systemd_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    notifications = Notifications({"WATCHDOG_USEC": "2000000"})
    notifications.say(READY)
    asyncio.run(notifications.keep_alive())  # is over at once

    assert [] == caplog.messages


def test_a_socket_that_is_gone_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notifications = Notifications({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    for _ in range(3):
        notifications.say(ALIVE)

    assert ["cannot tell systemd WATCHDOG=1: No such file or directory"] == caplog.messages


def test_a_systemd_that_is_behind_still_hears_that_we_are_ready(
    systemd: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    notifications = Notifications(environ(systemd), patience_s=0.2)
    while not caplog.messages:
        notifications.say(ALIVE)
    many = len(heard(systemd))
    for _ in range(many):
        notifications.say(ALIVE)
    later = threading.Timer(0.05, systemd.recv, [1024])
    later.start()
    notifications.say(READY)
    later.join()

    assert "READY=1" == heard(systemd)[-1]


async def _two_periods(notifications: Notifications, systemd: socket.socket) -> list[int]:
    counts = []
    telling = asyncio.get_running_loop().create_task(notifications.keep_alive())
    for _ in range(3):
        for _ in range(3):
            await asyncio.sleep(0)
        counts.append(len(heard(systemd)))
        put_forward(15)
    telling.cancel()
    await asyncio.gather(telling, return_exceptions=True)
    return counts


@pytest.mark.parametrize("is_named", [False, True])
def test_a_watchdog_hears_of_us_twice_in_its_time(systemd: socket.socket, is_named: bool) -> None:
    pid = str(os.getpid()) if is_named else ""
    told = environ(systemd, WATCHDOG_USEC="30000000", WATCHDOG_PID=pid)

    assert [1, 1, 1] == run_ahead(_two_periods(Notifications(told), systemd))


@pytest.mark.parametrize(
    "more", [{}, {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}]
)
def test_where_nobody_watches_us_nothing_goes_on(
    systemd: socket.socket, more: dict[str, str]
) -> None:
    asyncio.run(Notifications(environ(systemd, **more)).keep_alive())

    assert [] == heard(systemd)
