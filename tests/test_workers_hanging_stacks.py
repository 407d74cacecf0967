import asyncio
import signal
import sys
from collections.abc import Iterator

import pytest

from authproxy.workers.hanging.stacks import Stacks, innermost_calls

HANGS = """
import sys, threading
from authproxy.workers.hanging.stacks import Stacks
Stacks(int(sys.argv[1])).tell_when_asked()
def outer():
    inner()
def inner():
    print("here", flush=True)
    while True:
        pass
threading.Thread(target=threading.Event().wait, daemon=True).start()
outer()
"""
DUMP = """Thread 0x1 (most recent call first):
  File "/usr/lib/python3/threading.py", line 1 in wait

Current thread 0x2 (most recent call first):
  File "<string>", line 7 in inner
  File "/opt/site-packages/authproxy/wire/relay.py", line 30 in Relay.go on
"""


@pytest.fixture
def stacks() -> Iterator[Stacks]:
    stacks = Stacks()
    yield stacks
    stacks.close()


async def test_a_process_that_computes_without_end_tells_where_each_time(stacks: Stacks) -> None:
    descriptor = stacks.descriptor
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HANGS, str(descriptor)),
        stdout=asyncio.subprocess.PIPE,
        pass_fds=(descriptor,),
    )
    assert process.stdout is not None
    await process.stdout.readline()
    told = [await stacks.ask(process.send_signal) for _ in range(2)]
    process.send_signal(signal.SIGSTOP)
    nothing = await stacks.ask(process.send_signal)
    process.kill()
    await process.wait()

    for each in told:
        assert 2 == each.count("most recent call first")
        assert "in wait" in each
        assert innermost_calls(each).endswith(" inner, <string>:6 outer, <string>:12 <module>")
    assert "" == nothing == innermost_calls(nothing)


async def test_one_that_is_gone_tells_nothing(stacks: Stacks) -> None:
    async with asyncio.timeout(30):
        assert "" == await stacks.ask(lambda _: None)


def test_calls_are_those_of_the_main_thread_by_the_ends_of_their_files() -> None:
    assert "<string>:7 inner, wire/relay.py:30 Relay.go on" == innermost_calls(DUMP)


def test_of_many_calls_the_innermost_are_named() -> None:
    many = "".join(f'  File "/a/b/c.py", line {line} in f\n' for line in range(100))

    assert ["b/c.py:0 f", "b/c.py:1 f"] == innermost_calls(many).split(", ")[:2]
    assert 8 == len(innermost_calls(many).split(", "))
