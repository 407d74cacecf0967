"""The authorizer beside several workers: its parent answers, by counts that all of them have."""

import re
import signal
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.crews import Clients, pids
from tests.support.program import Program
from tests.support.raw import raw_service
from tests.support.talking import get, read_answer, until

KEY = "the right one, and long enough"
CONFIG = """
listen = ["127.0.0.1:0"]
trusted_proxies = ["127.0.0.1"]
allow = ["192.0.2.1"]
workers = 2
[authorizer]
listen = "127.0.0.1:0"
[keys.k]
sha256 = ["{digest}"]
[services.billing]
url = "{url}"
credentials = "none"
"""
FRONT = (
    "X-Forwarded-For: 192.0.2.1",
    "X-Forwarded-Proto: http",
    "X-Forwarded-Host: localhost",
    "X-Forwarded-Method: GET",
    "X-Forwarded-Uri: /",
)


async def ask(clients: Clients, url: str, key: str) -> bytes:
    """The status, from the authorizer or from a worker, for the same client."""
    port = int(url.rpartition(":")[2])
    reader, _ = await clients.connect_to(port, get("/", *FRONT, f"X-Api-Key: {key}"))
    head, _ = await read_answer(reader)
    return head[9:12]


@pytest.mark.parametrize("first", ["workers", "authorizer"])
async def test_wrong_keys_are_the_same_for_the_authorizer_and_the_workers(
    tmp_path: Path, first: str
) -> None:
    file = tmp_path / "authproxy.toml"
    async with raw_service() as service, Clients() as clients:
        digest = sha256(KEY.encode()).hexdigest()
        file.write_text(CONFIG.format(digest=digest, url=service.url))
        async with Program("-c", file) as program:
            [asked] = re.findall(r"authorizer: (http://\S+)", program.stderr)
            await until(lambda: len(pids(program)) == 2)
            places = {"workers": program.url, "authorizer": asked}
            right = [await ask(clients, url, KEY) for url in places.values()]
            asked_first = places.pop(first)
            wrong = [await ask(clients, asked_first, "wrong") for _ in range(11)]
            slowed = await ask(clients, places.popitem()[1], "wrong")
            program.signal(signal.SIGTERM)
            code = await program.wait()

    assert [b"200", b"200"] == right
    assert [b"401"] * 11 == wrong
    assert b"429" == slowed
    assert 143 == code
    assert 1 == len(re.findall(r"authorizer: http", program.stderr))
