"""What a start loads: only what the first request needs, because somebody waits for it."""

import re

import aiohttp

from tests.support.program import Program
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
