"""Names are looked up in threads: shared while it makes sense, and never waited for at the end."""

import asyncio
import socket
import subprocess
import sys
import threading
from typing import Any

import pytest

from authproxy.event_loop import choose_transports, with_resolver
from authproxy.resolver import SHARED_FOR_S, Resolver, look_up
from tests.support.clock import FakeClock
from tests.support.talking import until


class Slow:
    """Finds an address once it is let go."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.released = threading.Event()

    def __call__(self, *key: object) -> list[object]:
        self.asked.append(key[0])
        self.released.wait(10)
        return [key]


async def test_it_finds_what_the_standard_library_finds() -> None:
    found = await Resolver().getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)

    assert socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM) == found


async def test_a_name_that_is_none_raises_the_library_s_error() -> None:
    with pytest.raises(socket.gaierror):
        await Resolver().getaddrinfo("no.such.name.invalid", 80)


def test_names_in_ascii_and_others_are_looked_up_alike() -> None:
    for host in ("127.0.0.1", "localhost", None):
        assert socket.getaddrinfo(host, 80) == look_up(host, 80)
    for host in ("b\u00fccher.invalid", "a" * 64 + ".invalid", "two..dots.invalid"):
        with pytest.raises((socket.gaierror, UnicodeError)):
            look_up(host, 80)


def test_what_names_in_other_letters_need_is_not_imported_for_ascii() -> None:
    program = (
        "import sys, authproxy.resolver\n"
        "authproxy.resolver.look_up('localhost', 80)\n"
        "assert 'encodings.idna' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


async def test_who_asks_for_the_same_shares_a_lookup_and_others_have_their_own() -> None:
    slow = Slow()
    resolver = Resolver(slow)
    waiting = [
        asyncio.gather(resolver.getaddrinfo(host, 80), return_exceptions=True)
        for host in ("a", "a", "b", "a")
    ]
    await until(lambda: len(slow.asked) == 2)
    assert "<Resolver [2 lookups]>" == repr(resolver)
    waiting[0].cancel()  # one who goes takes nothing from the others
    slow.released.set()
    found = await asyncio.gather(*waiting, return_exceptions=True)

    assert isinstance(found[0], asyncio.CancelledError)
    expected: list[Any] = [[[(host, 80, 0, 0, 0, 0)]] for host in ("a", "b", "a")]
    assert expected == [each for each in found if isinstance(each, list)]
    assert ["a", "b"] == sorted(map(str, slow.asked))
    assert "<Resolver [0 lookups]>" == repr(resolver)


async def test_a_lookup_that_may_be_lost_is_not_shared_any_more() -> None:
    slow, clock = Slow(), FakeClock()
    resolver = Resolver(slow, clock.steady)
    waiting = [asyncio.gather(resolver.getaddrinfo("a", 80))]
    await until(lambda: len(slow.asked) == 1)
    clock.advance(SHARED_FOR_S + 1)
    waiting.append(asyncio.gather(resolver.getaddrinfo("a", 80)))
    await until(lambda: len(slow.asked) == 2)
    slow.released.set()

    assert 2 == len(await asyncio.gather(*waiting))


def test_lookups_that_hang_hold_up_no_other_and_not_the_end_of_the_program() -> None:
    program = """
import asyncio, socket, threading
from authproxy.resolver import Resolver
from authproxy.event_loop import choose_transports, with_resolver
def lookup(host, *more):
    return threading.Event().wait() if host == "hung" else socket.getaddrinfo(host, *more)
async def main():
    loop = asyncio.get_running_loop()
    connect = loop.create_connection
    hung = [asyncio.create_task(connect(asyncio.Protocol, "hung", n)) for n in range(100)]
    await asyncio.sleep(0)
    print(len(await loop.getaddrinfo("127.0.0.1", 80)) > 0)
factory = with_resolver(choose_transports(), lambda: Resolver(lookup))
with asyncio.Runner(loop_factory=factory) as runner:
    runner.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False
    )

    assert ("True\n", "", 0) == (done.stdout, done.stderr, done.returncode)


@pytest.mark.parametrize("make", [None, choose_transports()], ids=["standard", "aiofastnet"])
def test_connections_by_name_use_it(make: object) -> None:
    async def resolver() -> object:
        return asyncio.get_running_loop().getaddrinfo.__self__  # type: ignore[attr-defined]  # -- bound

    with asyncio.Runner(loop_factory=with_resolver(make)) as runner:  # type: ignore[arg-type]  # -- either
        assert isinstance(runner.run(resolver()), Resolver)
