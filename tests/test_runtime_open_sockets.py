import socket
from pathlib import Path

import pytest

from authproxy.errors import StartError
from authproxy.runtime.open_sockets import OpenSockets
from tests.support.configuring import URL, settings


def plan_of(*listen: str) -> list[str]:
    found = settings(urls=[URL], flags={"--listen": listen})
    plan = OpenSockets().plan(found)
    names = [sock.getsockname() for _, sockets in plan.places for sock in sockets]
    assert len(plan.new) == len(names)
    plan.drop()
    assert all(sock.fileno() == -1 for sock in plan.new)
    return [name if isinstance(name, str) else name[0] for name in names]


def test_a_plan_opens_all_and_drops_all(tmp_path: Path) -> None:
    path = str(tmp_path / "s")

    assert ["127.0.0.1", path] == plan_of("127.0.0.1:0", f"unix:{path}")


def test_what_was_opened_is_closed_when_the_next_one_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
        probe.close()
        at = (f"127.0.0.1:{free}", f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(StartError, match="already in use"):
            plan_of(*at)
        with socket.create_server(("127.0.0.1", free)):
            pass
