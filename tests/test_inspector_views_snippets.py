import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authproxy.inspector.views.snippets import is_plain, missing, snippets
from tests.support.recorded import Stage, Story, ok, recorded

BODIES = {
    "plain": b'hello, it\'s "me" $HOME `x` \\ ! * ~',
    "lines": b"one\ntwo\n\n",
    "at": b"@/etc/passwd",
    "control": b"a\x01\x1b[0mb\r\n",
    "no UTF-8": b"GIF89a\xff\xfe%s%d",
    "percent": b"%n %s \\n \\141",
    "umlaut": "größer".encode(),
}


@asynccontextmanager
async def asked_again(body: bytes, content_type: str) -> AsyncIterator[tuple[Stage, list[bytes]]]:
    came: list[bytes] = []

    def answer(head: bytes, content: bytes) -> bytes:
        came.append(head.partition(b"\r\n")[0] + b" | " + content)
        return ok()

    async with recorded(answer) as stage:
        await stage.proxy.exchange(
            b"PUT /a*b?x={1}&y='2' HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n"
            b'X-Odd: it\'s "odd" $x `y` \\z\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b'
            % (stage.proxy.port, content_type.encode(), len(body), body)
        )
        yield stage, came


@pytest.fixture
def shim(tmp_path: Path) -> Path:
    """A folder with an `authproxy` that prints a token."""
    program = tmp_path / "authproxy"
    program.write_text("#!/bin/sh\necho token-for-$2\n")
    program.chmod(0o700)
    return tmp_path


async def run(shim: Path, *command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "PATH": f"{shim}:{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert 0 == process.returncode, said


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_command_says_every_byte_again(body: bytes, shim: Path) -> None:
    content_type = "image/gif" if body.startswith(b"GIF") else "text/plain"
    async with asked_again(body, content_type) as (stage, came):
        found = snippets(stage.newest)
        await run(shim, "sh", "-c", found["curl"])
        await run(shim, "sh", "-c", found["local"])
        await run(shim, sys.executable, "-c", found["python"])

    assert 4 == len(came)
    assert {came[0]} == {came[0], came[1], came[2]}
    assert came[0].partition(b" | ")[2] == came[3].partition(b" | ")[2]


@pytest.mark.parametrize(
    ("ask", "lacks"),
    [
        (lambda s: s.tell(("Cookie", "a=1234567890")), ["Cookie"]),
        (lambda s: s.tell(target=b"/?token=1234567890"), ["query"]),
        (lambda s: s.tell(("Accept", "*/*")), []),
    ],
    ids=["cookie", "query", "nothing"],
)
def test_command_says_what_it_lacks(ask: Callable[[Story], None], lacks: list[str]) -> None:
    story = Story()
    ask(story)
    record = next(story.recording.store.newest_first())

    assert lacks == missing(record)
    assert bool(lacks) == ("# Not in it" in snippets(record)["local"])
    assert "1234567890" not in json.dumps(snippets(record))


def test_what_was_never_sent_has_no_command_for_the_service() -> None:
    found = snippets(Story().tell())

    assert ("", "", "") == (found["curl"], found["python"], found["authproxy"])


@given(st.text(max_size=50))
def test_text_is_plain_unless_it_has_control_characters(text: str) -> None:
    controls = any(char < " " and char not in "\n\t" for char in text)

    assert is_plain(text.encode("utf-8", "surrogatepass")) == (
        not controls and not any("\ud800" <= char <= "\udfff" for char in text)
    )
