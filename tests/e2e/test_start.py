"""What a start loads: only what the first request needs, because somebody waits for it."""

import asyncio
import os
import re
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.support.program import Program, clean_environment
from tests.support.raw import raw_service

HEAVY = {"aiohttp", "cryptography", "difflib", "google", "hpack", "requests", "rich", "urllib3"}
"""Libraries that take long to import, each for what many a run never does."""

LOADED = re.compile(r"^import time: +\d+ \| +\d+ \| +(\w+)", re.MULTILINE)


async def test_the_first_answer_waits_for_no_library_that_it_does_not_need() -> None:
    async with (
        raw_service() as service,
        Program(
            *(service.url, "--credentials", "none", "--listen", "127.0.0.1:0"),
            environ={"PYTHONPROFILEIMPORTTIME": "1"},
            log_format="json",
        ) as program,
        aiohttp.ClientSession() as session,
        session.get(program.url) as answer,
    ):
        text = await answer.text()
        await program.hear('"path": "/"')
        loaded = set(LOADED.findall(program.stderr))

    assert "ok" == text
    assert {"asyncio", "authproxy"} <= loaded
    assert set() == HEAVY & loaded


@pytest.mark.parametrize(
    ("flag", "value"), [("--api-key", "file:{}"), ("--ca-file", "{}"), ("-c", "{}")]
)
async def test_a_file_that_hangs_at_the_start_is_said(
    flag: str, value: str, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "authproxy", "http://127.0.0.1:9", "--credentials", "none"),
        *("-l", "127.0.0.1:0", flag, value.format(pipe)),
        env=clean_environment(),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    async with asyncio.timeout(20):
        said = await process.stderr.readline()
    process.terminate()
    await process.communicate()

    assert "still waiting for the file " in said.decode()
    assert str(pipe) in said.decode()
    assert process.returncode in (143, -15)
