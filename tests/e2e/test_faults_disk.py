"""A disk that is full when authproxy starts, gets full while it runs, and has room again."""

import asyncio
from pathlib import Path

import pytest

from tests.support.program import Program
from tests.support.raw import raw_service
from tests.support.talking import answer_of, until

SMALL = 'mount -t tmpfs -o size=64k small "$0" && cp /dev/zero "$0/filler" 2>/dev/null || exec "$@"'
"""Run with a full disk of its own; a mount of the namespace, so it is gone with the process."""


@pytest.mark.outside
async def test_a_full_disk_costs_lines_and_no_request_and_is_used_again_when_there_is_room(
    tmp_path: Path,
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    config = tmp_path / "authproxy.toml"
    async with raw_service() as service:
        config.write_text(
            'listen = "127.0.0.1:0"\nadmin = "127.0.0.1:0"\n'
            f'[log]\nfile = "{disk}/log"\n'
            f'[services.a]\nurl = "{service.url}"\ncredentials = "none"\n'
        )
        under = ("unshare", "--map-root-user", "--mount", "sh", "-uc", SMALL, str(disk))
        environ = {"TMPDIR": str(disk), "XDG_RUNTIME_DIR": ""}
        async with Program("-c", config, under=under, environ=environ) as program:
            inside = Path(f"/proc/{program.pid}/root{disk}")
            answers = [await answer_of(program.port) for _ in range(3)]
            await program.hear("cannot write to the log file .*: No space left on device")
            (inside / "filler").unlink()
            answers += [await answer_of(program.port) for _ in range(3)]
            await until(lambda: "lines were dropped" in (inside / "log").read_text())
            log = await asyncio.to_thread((inside / "log").read_text)
            warnings = program.stderr.count("cannot write")

    assert {b"ok"} == {answer[-2:] for answer in answers}
    assert 3 == log.count("GET / 200")
    assert 1 == warnings
    assert "Traceback" not in program.stderr
