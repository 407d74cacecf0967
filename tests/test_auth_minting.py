import asyncio
import gc
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from authproxy.auth.minting import Minting
from authproxy.config.loading import load_keywords
from authproxy.errors import CredentialError
from authproxy.exchange import Token
from tests.support.auth_world import AuthWorld, auth_world, in_thread
from tests.support.program import clean_environment

FORK = """
import os, sys
from authproxy.auth import ServiceAuth
url, credentials, warm = sys.argv[1:]
auth = ServiceAuth(url, credentials=credentials)
if warm == "warm":
    auth.token(url)
if os.fork() == 0:
    first = auth.token(url)
    auth.close()
    os._exit(0 if first else 1)
code = os.waitstatus_to_exitcode(os.wait()[1])
print(code, len(auth.token(url)) > 100)
"""


def minting(there: AuthWorld) -> Minting:
    settings = {"credentials": there.credentials}
    return Minting(load_keywords(f"a={there.url}", settings, where="test", environ={}), os.environ)


NAME = "authproxy-tokens"


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name == NAME]


async def test_any_number_of_threads_and_loops_share_one_mint() -> None:
    async with auth_world() as there:
        there.world.google.token.delay_s = 0.2
        made = minting(there)
        tokens: list[Token] = []

        def sync() -> None:
            with ThreadPoolExecutor(8) as pool:
                tokens.extend(pool.map(lambda _: made.get("a").result(), range(8)))

        def another_loop() -> None:
            async def ask() -> Token:
                return await asyncio.wrap_future(made.get("a"))

            tokens.append(asyncio.run(ask()))

        mine = asyncio.wrap_future(made.get("a"))
        await asyncio.gather(in_thread(sync), in_thread(another_loop), mine)
        made.close()

    assert 9 == len(tokens)
    assert 1 == len({token.value for token in tokens})
    assert 1 == there.mints


async def test_what_was_given_is_at_hand_until_google_calls_it_invalid() -> None:
    async with auth_world() as there:
        made = minting(there)
        before = made.at_hand("a")
        token = await asyncio.wrap_future(made.get("a"))
        known = made.at_hand("a")
        worth_it = await asyncio.wrap_future(made.reject("a", token))
        after = made.at_hand("a")
        made.close()

    assert (None, token, True, None) == (before, known, worth_it, after)


async def test_who_gives_up_waiting_does_not_end_the_mint() -> None:
    async with auth_world() as there:
        there.world.google.token.delay_s = 0.2
        made = minting(there)
        impatient = asyncio.wrap_future(made.get("a"))
        patient = asyncio.wrap_future(made.get("a"))
        await asyncio.sleep(0)
        impatient.cancel()
        await patient
        made.close()

    assert 1 == there.mints


async def test_its_thread_begins_with_the_first_question_and_ends_with_it() -> None:
    async with auth_world() as there:
        made = minting(there)
        assert ([], "<Minting [not running]>") == (threads(), repr(made))
        await asyncio.wrap_future(made.get("a"))
        assert (["authproxy-tokens"], "<Minting [running]>") == (threads(), repr(made))
        made.close()
        made.close()
        assert [] == threads()
        with pytest.raises(RuntimeError, match="is closed"):
            made.get("a")
        forgotten = minting(there)
        await asyncio.wrap_future(forgotten.get("a"))
        (thread,) = (each for each in threading.enumerate() if each.name == NAME)
        del forgotten
        gc.collect()
        await in_thread(lambda: thread.join(10))
        assert not thread.is_alive()


async def test_who_waits_when_it_ends_gets_an_error() -> None:
    async with auth_world() as there:
        there.world.google.token.delay_s = 0.5
        made = minting(there)
        waiting = asyncio.wrap_future(made.get("a"))
        await in_thread(made.close)
        with pytest.raises((CredentialError, asyncio.CancelledError)):
            await waiting


@pytest.mark.parametrize("warm", ["warm", "cold"])
async def test_a_forked_process_has_tokens_too_and_leaves_its_parent_alone(warm: str) -> None:
    async with auth_world() as there:
        arguments = ("-c", FORK, there.url, there.credentials, warm)
        process = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, env=clean_environment(), stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(30):
            stdout, _ = await process.communicate()

    assert b"0 True\n" == stdout
