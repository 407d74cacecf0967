"""The log of a running program: where it goes, and what happens to its file."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.program import Program, run_to_end
from tests.support.raw import OK, always, raw_service
from tests.support.talking import until


async def ask(port: int, path: str, fields: str = "") -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n".encode()
    )
    await writer.drain()
    await reader.read(-1)
    writer.close()


def lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().splitlines()]


def paths(path: Path) -> list[object]:
    return [line["path"] for line in lines(path) if "path" in line]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "authproxy.toml"


def write_config(config: Path, url: str, log: str, service: str = "") -> None:
    config.write_text(
        f'listen = "127.0.0.1:0"\n[services.web]\nurl = "{url}"\ncredentials = "none"\n'
        f"{service}\n[log]\n{log}\n"
    )


async def test_a_log_file_is_rotated_by_others_and_stderr_has_what_programs_wait_for(
    tmp_path: Path, config: Path
) -> None:
    log, old = tmp_path / "log", tmp_path / "log.1"
    async with raw_service(always(OK)) as service:
        write_config(config, service.url, f'file = "{log}"\nformat = "json"\nuser_agent = true')
        async with Program("-c", config, log_format="") as program:
            await ask(program.port, "/one", "User-Agent: tests/1\r\n")
            await until(lambda: paths(log) == ["/one"])
            log.rename(old)
            program.signal(signal.SIGUSR1)
            await until(log.exists)
            await ask(program.port, "/two")
            await until(lambda: paths(log) == ["/two"])
            assert 0o600 == log.stat().st_mode & 0o777
            program.signal(signal.SIGTERM)
            assert 143 == await program.wait()

        assert ["/one"] == paths(old)
        agents = [line["httpRequest"] for line in lines(old) if "httpRequest" in line]
        assert ["tests/1"] == [agent["userAgent"] for agent in agents]
        assert "stopping: no requests in flight" in str(lines(log)[-1]["message"])
        assert program.stderr.splitlines() == [f"authproxy: {program.url} -> {service.url}"]


async def test_without_a_file_the_signal_that_reopens_it_does_nothing(config: Path) -> None:
    async with raw_service(always(OK)) as service:
        write_config(config, service.url, 'sample = 0.0\nlevel = "warning"', 'log = "error"')
        async with Program("-c", config, log_format="") as program:
            program.signal(signal.SIGUSR1)
            await ask(program.port, "/one")
            await ask(program.port, "/two")
            program.signal(signal.SIGTERM)
            assert 143 == await program.wait()

    assert 1 == len(program.stderr.splitlines())


async def test_a_file_that_cannot_be_opened_is_an_error_at_the_start(
    tmp_path: Path, config: Path
) -> None:
    write_config(config, "http://127.0.0.1:9", f'file = "{tmp_path}/none/log"')
    code, _, stderr = await run_to_end("-c", config)

    assert 1 == code
    assert stderr == (
        f"authproxy: cannot open the log file {tmp_path}/none/log: No such file or directory\n"
        "authproxy: Its directory must exist, and authproxy must be allowed to write there.\n"
    )
